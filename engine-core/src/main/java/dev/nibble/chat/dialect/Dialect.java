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
    record Pair(String open, String close) {}

    /**
     * What begins a message.
     *
     * @param starts the marks that a header begins with
     * @param form all of it; the groups {@code call} or {@code tool} are the name of a tool, the group {@code reasoning} tells reasoning
     * @param ends what ends a message
     */
    record Header(List<String> starts, Pattern form, List<String> ends) {}

    private static final List<Pair> THINK = List.of(new Pair("<think>", "</think>"));

    /** Text, and reasoning as nearly all models mark it. */
    static Dialect plain(String name) {
        return new Dialect(name, THINK, false, false, List.of(), List.of(), List.of(), List.of(), null, "");
    }

    /** Calls in the forms with these patterns. */
    static Dialect of(String name, String... patterns) {
        return plain(name).withCalls(patterns);
    }

    Dialect withCalls(String... patterns) {
        List<Form> forms = new ArrayList<>(calls);
        for (String pattern : patterns) {
            forms.add(Form.of(pattern));
        }
        return new Dialect(
                name,
                reasoning,
                interleaved,
                callsInReasoning,
                dropped,
                sections,
                List.copyOf(forms),
                bare,
                header,
                carried);
    }

    Dialect withBare(String pattern) {
        return new Dialect(
                name,
                reasoning,
                interleaved,
                callsInReasoning,
                dropped,
                sections,
                calls,
                List.of(Form.of(pattern)),
                header,
                carried);
    }

    Dialect withReasoning(String open, String close) {
        List<Pair> pairs = new ArrayList<>(List.of(new Pair(open, close)));
        reasoning.stream().filter(pair -> !pair.close.equals(close)).forEach(pairs::add);
        return new Dialect(
                name,
                List.copyOf(pairs),
                interleaved,
                callsInReasoning,
                dropped,
                sections,
                calls,
                bare,
                header,
                carried);
    }

    /** Reasoning may begin anywhere. */
    Dialect interleaving() {
        return new Dialect(name, reasoning, true, callsInReasoning, dropped, sections, calls, bare, header, carried);
    }

    /** A call may stand in reasoning, which it ends. */
    Dialect callingInReasoning() {
        return new Dialect(name, reasoning, interleaved, true, dropped, sections, calls, bare, header, carried);
    }

    Dialect dropping(String... marks) {
        List<String> all = new ArrayList<>(dropped);
        all.addAll(List.of(marks));
        return new Dialect(
                name,
                reasoning,
                interleaved,
                callsInReasoning,
                List.copyOf(all),
                sections,
                calls,
                bare,
                header,
                carried);
    }

    Dialect inSection(String open, String close) {
        List<Pair> all = new ArrayList<>(sections);
        all.add(new Pair(open, close));
        return new Dialect(
                name,
                reasoning,
                interleaved,
                callsInReasoning,
                dropped,
                List.copyOf(all),
                calls,
                bare,
                header,
                carried);
    }

    Dialect withHeader(List<String> starts, String form, String... ends) {
        return new Dialect(
                name,
                reasoning,
                interleaved,
                callsInReasoning,
                dropped,
                sections,
                calls,
                bare,
                new Header(starts, Pattern.compile(form), List.of(ends)),
                carried);
    }

    /** The prompt ends in the beginning of something, from the last of these marks on. */
    Dialect carrying(String mark) {
        return new Dialect(
                name, reasoning, interleaved, callsInReasoning, dropped, sections, calls, bare, header, mark);
    }

    /** Whether calls of tools are known. */
    public boolean hasCalls() {
        return !calls.isEmpty() || !bare.isEmpty() || header != null;
    }
}
