package dev.nibble.examples.cli;

import dev.nibble.examples.models.Reporter;
import java.io.PrintStream;
import java.util.Locale;

/** Shows on standard error what is being got: a bar on a terminal, a line now and then elsewhere. */
final class ConsoleReporter implements Reporter {
    private static final int BAR = 24;
    private static final long REDRAW_NANOS = 100_000_000L;
    private static final long LINE_NANOS = 10_000_000_000L;

    private final PrintStream err;
    private final boolean terminal;

    ConsoleReporter(PrintStream err, boolean terminal) {
        this.err = err;
        this.terminal = terminal;
    }

    @Override
    public void say(String line) {
        err.println(line);
        err.flush();
    }

    @Override
    public Progress start(String what, long total) {
        return new Bar(what, total);
    }

    private final class Bar implements Progress {
        private final String what;
        private final long total;
        private final long begun = System.nanoTime();
        private long first = -1;
        private long last;
        private long drawn = begun - REDRAW_NANOS;
        private boolean visible;

        Bar(String what, long total) {
            this.what = what;
            this.total = total;
            if (!terminal) {
                say(what + (total < 0 ? "" : " (" + Units.bytes(total) + ")") + " ...");
            }
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
                err.print("\r\033[K" + line());
                err.flush();
                visible = true;
            } else if (last > first) {
                say("  " + line());
            }
        }

        private String line() {
            double seconds = Math.max(1e-3, (System.nanoTime() - begun) * 1e-9);
            double rate = (last - Math.max(0, first)) / seconds;
            String speed = rate <= 0 ? "" : "  " + Units.bytes((long) rate) + "/s";
            if (total <= 0) {
                return what + "  " + Units.bytes(last) + speed;
            }
            int done = (int) Math.min(BAR, last * BAR / total);
            String left = rate <= 0 || last >= total ? "" : "  " + Units.duration((total - last) / rate) + " left";
            return String.format(
                    Locale.ROOT,
                    "%s  [%s%s] %3d%%  %s of %s%s%s",
                    what,
                    "=".repeat(done),
                    " ".repeat(BAR - done),
                    last * 100 / total,
                    Units.bytes(last),
                    Units.bytes(total),
                    speed,
                    left);
        }

        @Override
        public void close() {
            if (visible) {
                err.print("\r\033[K" + line() + System.lineSeparator());
                err.flush();
            }
        }
    }
}
