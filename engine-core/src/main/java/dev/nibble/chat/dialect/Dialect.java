package dev.nibble.chat.dialect;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a family of models writes an answer. All of it is text; control tokens stand as their text. Immutable.
 *
 * @param name of the family
 * @param reasoning what reasoning stands between
 * @param interleaved whether reasoning may begin anywhere; else only where an answer or a message begins
 * @param callsInReasoning whether a call ends reasoning
 * @param dropped what is no part of the text: wrappers of it, and ends
 * @param sections what encloses a number of calls
 * @param calls how a call is written
 * @param bare how the whole answer is written if it is a call, without anything that says so
 * @param header what begins a message and says what it is, null without
 * @param carried where it stands in the prompt, the answer begins in it
 */
public record Dialect(
        String name,
        List<Pair> reasoning,
        boolean interleaved,
        boolean callsInReasoning,
        List<String> dropped,
        List<Pair> sections,
        List<Form> calls,
        List<Form> bare,
        @Nullable Header header,
        String carried) {

    /** Two marks that enclose something. */
    record Pair(String open, String close) {
        /** Whether a text has the first of them and not the other after it. */
        boolean isOpenAtTheEndOf(String text) {
            int opened = text.lastIndexOf(open);
            return opened >= 0 && text.indexOf(close, opened + open.length()) < 0;
        }
    }

    /**
     * What begins a message.
     *
     * @param starts the marks that a header begins with
     * @param form all of it; the groups {@code call} or {@code tool} are the name of a tool, the group {@code reasoning} tells reasoning
     * @param ends what ends a message
     */
    record Header(List<String> starts, Pattern form, List<String> ends) {}

    /** Whether calls of tools are known. */
    public boolean hasCalls() {
        return !calls.isEmpty() || !bare.isEmpty() || header != null;
    }

    /** A dialect of text, and reasoning as nearly all models mark it, to which more is added. */
    static Builder plain(String name) {
        return new Builder(name);
    }

    /** One with calls in the forms with these patterns. */
    static Builder of(String name, String... patterns) {
        return plain(name).withCalls(patterns);
    }

    /** Makes a dialect. */
    static final class Builder {
        private final String name;
        private final List<Pair> reasoning = new ArrayList<>(List.of(new Pair("<think>", "</think>")));
        private final List<String> dropped = new ArrayList<>();
        private final List<Pair> sections = new ArrayList<>();
        private final List<Form> calls = new ArrayList<>();
        private final List<Form> bare = new ArrayList<>();
        private boolean interleaved;
        private boolean callsInReasoning;
        private @Nullable Header header;
        private String carried = "";

        private Builder(String name) {
            this.name = name;
        }

        Builder withCalls(String... patterns) {
            for (String pattern : patterns) {
                calls.add(Form.of(pattern));
            }
            return this;
        }

        Builder withBare(String pattern) {
            bare.add(Form.of(pattern));
            return this;
        }

        Builder withReasoning(String open, String close) {
            reasoning.removeIf(pair -> pair.close.equals(close));
            reasoning.addFirst(new Pair(open, close));
            return this;
        }

        /** Reasoning may begin anywhere. */
        Builder interleaving() {
            interleaved = true;
            return this;
        }

        /** A call may stand in reasoning, which it ends. */
        Builder callingInReasoning() {
            callsInReasoning = true;
            return this;
        }

        Builder dropping(String... marks) {
            dropped.addAll(List.of(marks));
            return this;
        }

        Builder inSection(String open, String close) {
            sections.add(new Pair(open, close));
            return this;
        }

        Builder withHeader(List<String> starts, String form, String... ends) {
            header = new Header(starts, Pattern.compile(form), List.of(ends));
            return this;
        }

        /** The prompt ends in the beginning of something, from the last of these marks on. */
        Builder carrying(String mark) {
            carried = mark;
            return this;
        }

        Dialect build() {
            return new Dialect(
                    name,
                    List.copyOf(reasoning),
                    interleaved,
                    callsInReasoning,
                    List.copyOf(dropped),
                    List.copyOf(sections),
                    List.copyOf(calls),
                    List.copyOf(bare),
                    header,
                    carried);
        }
    }
}
