package dev.nibble.cli;

import dev.nibble.cli.models.Reporter;
import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntSupplier;
import org.jline.utils.WCWidth;
import org.jspecify.annotations.Nullable;

/** Shows on standard error what is being got: one line that is redrawn on a terminal, a line now and then elsewhere. */
final class ConsoleReporter implements Reporter {
    private static final int BAR = 24;
    private static final int SHORTEST_BAR = 6;
    private static final int SHORTEST_NAME = 12;
    private static final String GAP = "  ";
    private static final String CLEAR = "\r\033[K";
    private static final long REDRAW_NANOS = 100_000_000L;
    private static final long LINE_NANOS = 10_000_000_000L;

    private final PrintStream err;
    private final boolean terminal;
    private final IntSupplier columns;
    private @Nullable Bar visible;

    ConsoleReporter(PrintStream err, boolean terminal) {
        this(err, terminal, TerminalWidth::columns);
    }

    /**
     * @param terminal whether a line can be overwritten
     * @param columns the width of the terminal, asked before each redrawing
     */
    ConsoleReporter(PrintStream err, boolean terminal, IntSupplier columns) {
        this.err = err;
        this.terminal = terminal;
        this.columns = columns;
    }

    @Override
    public void say(String line) {
        err.println(visible == null ? line : CLEAR + line);
        err.flush();
    }

    @Override
    public Progress start(String what, long total) {
        return new Bar(what, total);
    }

    private final class Bar implements Progress {
        private final String what;
        private final long begun = System.nanoTime();
        private long total;
        private long first = -1;
        private long last;
        private long drawn = begun - REDRAW_NANOS;

        Bar(String what, long total) {
            this.what = what;
            this.total = total;
            if (!terminal) {
                say(what + (total < 0 ? "" : " (" + Units.bytes(total) + ")") + " ...");
            }
        }

        @Override
        public void total(long bytes) {
            total = bytes;
        }

        @Override
        public void at(long bytes) {
            if (first < 0) {
                first = bytes;
            }
            last = bytes;
            long now = System.nanoTime();
            if (now - drawn >= (terminal ? REDRAW_NANOS : LINE_NANOS)) {
                drawn = now;
                draw();
            }
        }

        private void draw() {
            if (terminal) {
                // The last column stays free: a terminal may begin a new line when it is written.
                err.print(CLEAR + line(columns.getAsInt() - 1));
                err.flush();
                visible = this;
            } else if (last > first) {
                say("  " + line(Integer.MAX_VALUE));
            }
        }

        /** Name, bar and numbers in {@code room} cells: name and bar are shortened first, then numbers are left out. */
        private String line(int room) {
            List<String> numbers = numbers();
            int least = Math.min(width(what), SHORTEST_NAME) + GAP.length();
            while (numbers.size() > 1 && least + width(String.join(GAP, numbers)) > room) {
                numbers.remove(1);
            }
            String tail = String.join(GAP, numbers);
            int left = room - width(tail) - GAP.length();
            if (left < 1) {
                return width(tail) <= room ? tail : "";
            }
            int framed = left - GAP.length() - 2; // for the name, and what is inside the brackets
            if (total <= 0 || framed - SHORTEST_BAR < least) {
                return fit(what, left) + GAP + tail;
            }
            int bar = Math.clamp(framed - width(what), SHORTEST_BAR, BAR);
            String name = fit(what, framed - bar);
            int done = Math.clamp(last * bar / total, 0, bar);
            return name + GAP + "[" + "=".repeat(done) + " ".repeat(bar - done) + "] " + tail;
        }

        /** The most important first, then those that may be left out in this order. */
        private List<String> numbers() {
            double seconds = Math.max(1e-3, (System.nanoTime() - begun) * 1e-9);
            double rate = (last - Math.max(0, first)) / seconds;
            List<String> numbers = new ArrayList<>();
            if (total > 0) {
                numbers.add(String.format(Locale.ROOT, "%3d%%", Math.min(100, last * 100 / total)));
                numbers.add(Units.bytes(last) + " of " + Units.bytes(total));
            } else {
                numbers.add(Units.bytes(last));
            }
            if (rate > 0) {
                numbers.add(Units.bytes((long) rate) + "/s");
                if (last < total) {
                    numbers.add(Units.duration((total - last) / rate) + " left");
                }
            }
            return numbers;
        }

        @Override
        public void close() {
            if (visible == this) {
                draw();
                err.print(System.lineSeparator());
                err.flush();
                visible = null;
            }
        }
    }

    /** The text in {@code room} cells, with its middle left out where it is longer: names differ at both ends. */
    private static String fit(String text, int room) {
        if (width(text) <= room) {
            return text;
        }
        int[] points = text.codePoints().toArray();
        int head = 0;
        int tail = points.length;
        int used = 1; // the ellipsis
        boolean atHead = true;
        while (head < tail) {
            int point = atHead ? points[head] : points[tail - 1];
            used += cells(point);
            if (used > room) {
                break;
            }
            if (atHead) {
                head++;
            } else {
                tail--;
            }
            atHead = !atHead;
        }
        return new String(points, 0, head) + "…" + new String(points, tail, points.length - tail);
    }

    private static int width(String text) {
        return text.codePoints().map(ConsoleReporter::cells).sum();
    }

    private static int cells(int point) {
        return Math.max(0, WCWidth.wcwidth(point));
    }
}
