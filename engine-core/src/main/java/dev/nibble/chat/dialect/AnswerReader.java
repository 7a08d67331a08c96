package dev.nibble.chat.dialect;

import dev.nibble.chat.dialect.Dialect.Header;
import dev.nibble.chat.dialect.Dialect.Pair;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import org.jspecify.annotations.Nullable;

/**
 * Takes an answer apart while it is written: text goes out as soon as no more text could make a mark of it, calls as they are
 * read. Not thread-safe.
 */
public final class AnswerReader {
    private static final Form ARGUMENTS = Form.of("~%args%");

    private enum Kind {
        REASONING_BEGINS,
        REASONING_ENDS,
        DROPPED,
        MESSAGE_ENDS,
        SECTION_BEGINS,
        SECTION_ENDS,
        HEADER,
        CALL
    }

    /**
     * A mark.
     *
     * @param early whether it means something only where nothing has been written
     */
    private record Mark(String text, Kind kind, @Nullable Pair pair, boolean early) {}

    private record Hit(int at, @Nullable Mark mark) {}

    private final Dialect dialect;
    private final Tools tools;
    private final AnswerSink sink;
    private final Channel content;
    private final Channel reasoning;
    private final StringBuilder text = new StringBuilder();
    private @Nullable Pair open;
    private boolean inReasoning;
    private int sections;
    private boolean inHeader;
    /** Characters at the beginning that come from the prompt. */
    private int carried;

    private @Nullable CallReader call;
    private String skipTo = "";
    private boolean skipping;
    /** The tool that a message is addressed to, whose call has not come yet; null without. */
    private @Nullable String addressed;

    /**
     * At the beginning of an answer.
     *
     * @param prefill what the prompt says of the answer already
     */
    public AnswerReader(Dialect dialect, Tools tools, String prefill, AnswerSink sink) {
        this.dialect = dialect;
        this.tools = tools;
        this.sink = sink;
        content = new Channel(sink::content);
        reasoning = new Channel(sink::reasoning);
        for (Pair pair : dialect.reasoning()) {
            if (pair.isOpenAtTheEndOf(prefill)) {
                open = pair;
                inReasoning = true;
            }
        }
        int from = dialect.carried().isEmpty() ? -1 : prefill.lastIndexOf(dialect.carried());
        if (from >= 0) {
            text.append(prefill, from, prefill.length());
            carried = text.length();
            read(false);
        }
    }

    /** More of the answer. */
    public void feed(String more) {
        text.append(more);
        read(false);
    }

    /**
     * The answer is over.
     *
     * @return the name of the tool whose call was cut, empty where the name was cut as well, null if none was
     */
    public @Nullable String finish() {
        read(true);
        CallReader cut = call;
        if (cut != null) {
            return cut.name();
        }
        if (addressed != null) {
            return addressed;
        }
        boolean cutHeader = inHeader && text.indexOf("to=") >= 0;
        return cutHeader || sections > 0 ? "" : null;
    }

    /** The name of the tool whose call is being read, empty where it is not known yet, null outside of calls. */
    public @Nullable String currentCall() {
        CallReader current = call;
        return current != null && current.isPublic() ? current.name() : null;
    }

    private void read(boolean whole) {
        boolean more = true;
        while (more) {
            if (call != null) {
                more = readCall(call, whole);
            } else if (skipping) {
                more = skip();
            } else if (inHeader) {
                more = readHeader(whole);
            } else {
                more = readText(whole);
            }
        }
    }

    private boolean readText(boolean whole) {
        if (!inReasoning && mayBeBare()) {
            int start = 0;
            while (start < text.length() && Character.isWhitespace(text.charAt(start))) {
                start++;
            }
            if (start < text.length() && (text.charAt(start) == '{' || text.charAt(start) == '[')) {
                take(start);
                call = new CallReader(dialect.bare(), tools, true, sink);
                return true;
            }
        }
        Hit hit = find(marks(), whole);
        give(hit.at);
        Mark mark = hit.mark;
        if (mark == null) {
            return false;
        }
        begin(mark);
        return true;
    }

    private boolean mayBeBare() {
        return !dialect.bare().isEmpty() && !tools.isEmpty() && content.isBlank();
    }

    private void begin(Mark mark) {
        switch (mark.kind) {
            case CALL -> {
                String trigger = mark.text;
                call = new CallReader(
                        dialect.calls().stream()
                                .filter(form -> form.trigger().equals(trigger))
                                .toList(),
                        tools,
                        false,
                        sink);
            }
            case HEADER -> inHeader = true;
            default -> {
                take(mark.text.length());
                switch (mark.kind) {
                    case REASONING_BEGINS -> {
                        open = mark.pair;
                        inReasoning = true;
                        reasoning.separate();
                    }
                    case REASONING_ENDS, MESSAGE_ENDS -> inReasoning = false;
                    case SECTION_BEGINS -> sections++;
                    case SECTION_ENDS -> sections = Math.max(0, sections - 1);
                    default -> {}
                }
            }
        }
    }

    /** The marks that mean something here. */
    private List<Mark> marks() {
        List<Mark> marks = new ArrayList<>();
        if (!tools.isEmpty() && (!inReasoning || dialect.callsInReasoning())) {
            dialect.calls().forEach(form -> marks.add(new Mark(form.trigger(), Kind.CALL, null, false)));
            for (Pair section : dialect.sections()) {
                marks.add(new Mark(section.open(), Kind.SECTION_BEGINS, section, false));
                marks.add(new Mark(section.close(), Kind.SECTION_ENDS, section, false));
            }
        }
        if (!inReasoning) {
            for (Pair pair : dialect.reasoning()) {
                marks.add(new Mark(pair.open(), Kind.REASONING_BEGINS, pair, !dialect.interleaved()));
                marks.add(new Mark(pair.close(), Kind.DROPPED, null, !dialect.interleaved()));
            }
            dialect.dropped().forEach(drop -> marks.add(new Mark(drop, Kind.DROPPED, null, false)));
        } else if (open != null) {
            marks.add(new Mark(open.close(), Kind.REASONING_ENDS, open, false));
        }
        Header header = dialect.header();
        if (header != null) {
            header.ends().forEach(end -> marks.add(new Mark(end, Kind.MESSAGE_ENDS, null, false)));
            header.starts().forEach(start -> marks.add(new Mark(start, Kind.HEADER, null, start.startsWith(" "))));
        }
        return marks;
    }

    /** The first mark, or without one the place from which on there may be one when more text comes. */
    private Hit find(List<Mark> marks, boolean whole) {
        boolean early = content.isBlank() && (!inReasoning || reasoning.isBlank());
        for (int at = 0; at < text.length(); at++) {
            Mark found = null;
            for (Mark mark : marks) {
                int length = mark.early && !early ? 0 : common(at, mark.text);
                if (length == mark.text.length()) {
                    found = found == null || found.text.length() < length ? mark : found;
                } else if (length > 0 && at + length == text.length() && !whole) {
                    return new Hit(at, null);
                }
            }
            if (found != null) {
                return new Hit(at, found);
            }
            early &= at < carried || Character.isWhitespace(text.charAt(at));
        }
        return new Hit(text.length(), null);
    }

    private int common(int at, String mark) {
        int length = 0;
        while (length < mark.length()
                && at + length < text.length()
                && text.charAt(at + length) == mark.charAt(length)) {
            length++;
        }
        return length;
    }

    /** Gives out text that is nothing else. */
    private void give(int length) {
        int own = Math.min(carried, length);
        take(own);
        (inReasoning ? reasoning : content).add(text.substring(0, length - own));
        take(length - own);
    }

    private void take(int length) {
        text.delete(0, length);
        carried = Math.max(0, carried - length);
    }

    @SuppressWarnings("JdkObsolete") // whether more text could make a header of it is what is asked
    private boolean readHeader(boolean whole) {
        Header header = dialect.header();
        if (header == null) {
            throw new IllegalStateException("a dialect without headers");
        }
        Matcher matcher = header.form().matcher(text);
        if (!matcher.lookingAt()) {
            if (matcher.hitEnd() && (!whole || text.indexOf("to=") >= 0)) {
                return false;
            }
            inHeader = false;
            if (matcher.hitEnd()) {
                take(text.length());
            } else {
                give(Math.max(1, carried));
            }
            return true;
        }
        String name = matcher.group("call") != null ? matcher.group("call") : matcher.group("tool");
        boolean thinks = matcher.group("reasoning") != null;
        inHeader = false;
        take(matcher.end());
        if (name != null && !thinks && dialect.calls().isEmpty()) {
            inReasoning = false;
            call = new CallReader(List.of(ARGUMENTS), tools, false, sink);
            call.name(name);
        } else {
            inReasoning = thinks;
            addressed = name != null && tools.has(name) ? name : null;
            (thinks ? reasoning : content).separate();
        }
        return true;
    }

    private boolean readCall(CallReader current, boolean whole) {
        switch (current.read(text, whole)) {
            case CUT -> {
                return false;
            }
            case READ -> {
                addressed = null;
                take(current.length());
                inReasoning = false;
            }
            case NOTHING -> give(1);
            case BROKEN -> {
                addressed = null;
                skipTo = current.end();
                skipping = true;
                take(current.length());
            }
        }
        call = null;
        return true;
    }

    /** Passes what is left of a broken call. */
    private boolean skip() {
        int end = skipTo.isEmpty() ? -1 : text.indexOf(skipTo);
        if (end < 0) {
            take(Math.max(0, text.length() - Math.max(0, skipTo.length() - 1)));
            return false;
        }
        take(end + skipTo.length());
        skipping = false;
        return true;
    }
}
