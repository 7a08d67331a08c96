package dev.nibble.chat.dialect;

import java.util.ArrayList;
import java.util.List;

/**
 * How a call is written, as a pattern: literal text, {@code ~} for any white space, {@code ^} for one newline that may be
 * there, and between two {@code %}:
 *
 * <ul>
 *   <li>{@code name}, {@code id}: the name of the tool, the id of the call (a number behind it: that many characters, as the
 *       template insists); {@code functions}: both as
 *       {@code functions.NAME:NUMBER}; {@code until X}: anything before X
 *   <li>{@code args}: the arguments as a JSON object; {@code call NAME ARGUMENTS ID}: all as an object with these keys;
 *       {@code calls ...}: a list of such objects, or one after another; {@code keyed}: a list of objects with the name as key
 *   <li>{@code (} and {@code )} around the parts of one parameter, any number of times: {@code key}, {@code value} (with
 *       {@code type}, {@code true} or {@code string} for a string), both up to the literal that follows
 *   <li>{@code python}: calls as in Python; {@code gemma X}: an object with bare keys and strings between X; {@code nested X}:
 *       tags that begin with X, one for each value
 *   <li>{@code ?X}: the literal X, which need not be there
 * </ul>
 */
final class Form {
    private final String trigger;
    private final List<Step> steps;
    private final List<String> parts;

    private Form(String trigger, List<Step> steps, List<String> parts) {
        this.trigger = trigger;
        this.steps = steps;
        this.parts = parts;
    }

    /** The form with a pattern. */
    static Form of(String pattern) {
        List<String> parts = split(pattern);
        boolean literal = !parts.isEmpty() && isLiteral(parts.getFirst());
        return new Form(literal ? parts.getFirst() : "", steps(parts), List.copyOf(parts));
    }

    /** The literal that a call begins with, empty without. */
    String trigger() {
        return trigger;
    }

    /** The parts of the pattern: literals, and what is special with its {@code %}, {@code ~} and {@code ^}. */
    List<String> parts() {
        return parts;
    }

    List<Step> steps() {
        return steps;
    }

    /** Where a broken call is over: its last literal, empty without. */
    String end() {
        return steps.getLast() instanceof Literal last && steps.size() > 1 ? last.text() : "";
    }

    private static List<String> split(String pattern) {
        List<String> parts = new ArrayList<>();
        StringBuilder literal = new StringBuilder();
        for (int i = 0; i < pattern.length(); i++) {
            char c = pattern.charAt(i);
            if (c != '%' && c != '~' && c != '^') {
                literal.append(c);
                continue;
            }
            if (!literal.isEmpty()) {
                parts.add(literal.toString());
                literal.setLength(0);
            }
            int end = c == '%' ? pattern.indexOf('%', i + 1) : i;
            parts.add(pattern.substring(i, end + (c == '%' ? 0 : 1)));
            i = end;
        }
        if (!literal.isEmpty()) {
            parts.add(literal.toString());
        }
        return parts;
    }

    static boolean isLiteral(String part) {
        return "%~^".indexOf(part.charAt(0)) < 0;
    }

    private static List<Step> steps(List<String> parts) {
        List<Step> steps = new ArrayList<>();
        for (int i = 0; i < parts.size(); i++) {
            String part = parts.get(i);
            if (part.equals("%(")) {
                int close = parts.indexOf("%)");
                steps.add(new Parameters(parts.get(i + 1), steps(parts.subList(i + 1, close))));
                i = close;
            } else {
                steps.add(isLiteral(part) ? new Literal(part) : step(part, parts.subList(i + 1, parts.size())));
            }
        }
        return List.copyOf(steps);
    }

    private static Step step(String part, List<String> next) {
        if (part.startsWith("%?")) {
            String literal = part.substring(2);
            return (in, calls) -> in.skip(literal);
        }
        String[] words = part.split(" ", -1);
        return switch (words[0]) {
            case "~" -> (in, calls) -> in.space();
            case "^" -> (in, calls) -> in.skip("\n");
            case "%name" -> (in, calls) -> calls.first().name(in.name(""));
            case "%id" -> (in, calls) -> calls.first().id = in.name("");
            case "%functions" -> Form::numbered;
            case "%until" -> (in, calls) -> in.until(words[1]);
            case "%args" -> (in, calls) -> CallObjects.arguments(in, calls.first());
            case "%call" -> CallObjects.with(words)::one;
            case "%calls" -> CallObjects.with(words)::several;
            case "%keyed" -> CallObjects::keyed;
            case "%key" ->
                (in, calls) -> calls.first().key = in.until(literal(next)).strip();
            case "%type" ->
                (in, calls) -> {
                    String type = in.name("");
                    calls.first().string = type.equals("true") || type.equals("string");
                };
            case "%value" -> new ParameterValue(literal(next), next.getFirst().equals("^"));
            case "%python" -> PythonCalls::read;
            case "%gemma" -> new GemmaArguments(words[1]);
            case "%nested" -> new NestedTags(words[1]);
            default -> throw new IllegalArgumentException("no such part of a form: " + part);
        };
    }

    private static String literal(List<String> next) {
        return next.stream().filter(Form::isLiteral).findFirst().orElseThrow();
    }

    /** {@code functions.NAME:NUMBER}, which is the id as a whole. */
    private static void numbered(Cursor in, Drafts calls) {
        String id = in.name(":");
        int start = id.startsWith("functions.") ? "functions.".length() : 0;
        int colon = id.lastIndexOf(':');
        calls.first().id = id;
        calls.first().name(id.substring(start, colon < start ? id.length() : colon));
    }

    private record Literal(String text) implements Step {
        @Override
        public void read(Cursor in, Drafts calls) {
            in.expect(text);
        }
    }

    /** A value up to a literal, or in a section of CDATA. */
    private record ParameterValue(String stop, boolean line) implements Step {
        private static final String CDATA = "<![CDATA[";
        private static final String CDATA_END = "]]>";

        @Override
        public void read(Cursor in, Drafts calls) {
            String text;
            if (in.skip(CDATA)) {
                text = in.until(CDATA_END + stop);
                in.expect(CDATA_END);
            } else {
                text = in.until(stop);
                text = line && text.endsWith("\n") ? text.substring(0, text.length() - 1) : text;
            }
            Draft call = calls.first();
            String before = call.arguments.isEmpty() ? "{" : call.arguments + ", ";
            call.arguments = before + dev.nibble.json.JsonValues.write(call.key) + ": " + call.value(text);
        }
    }

    /** Any number of parameters, each beginning with a literal. */
    private record Parameters(String open, List<Step> parts) implements Step {
        @Override
        public void read(Cursor in, Drafts calls) {
            Draft call = calls.first();
            call.arguments = "";
            while (in.sees(open)) {
                call.string = null;
                for (Step part : parts) {
                    part.read(in, calls);
                }
            }
            call.arguments = call.arguments.isEmpty() ? "{}" : call.arguments + "}";
        }
    }
}
