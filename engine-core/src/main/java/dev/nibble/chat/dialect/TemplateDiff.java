package dev.nibble.chat.dialect;

import dev.nibble.NibbleException;
import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Finds how calls are written by rendering conversations that differ in one thing: text or a call, one call or two. What is
 * found has to read back the calls that were rendered, or it counts for nothing.
 */
public final class TemplateDiff {
    private static final String TEXT = "\u2042text\u2042";
    private static final String THOUGHT = "\u2042thought\u2042";
    private static final List<String> NAMES = List.of("first_tool", "other_tool");
    private static final List<String> KEYS = List.of("some_key", "next_key");
    private static final List<String> VALUES = List.of("one value", "last value");
    private static final List<String> IDS = List.of("call00001", "call99999");

    private final Function<Map<String, ? extends @Nullable Object>, String> template;
    private final boolean textArguments;

    private TemplateDiff(Function<Map<String, ? extends @Nullable Object>, String> template, boolean textArguments) {
        this.template = template;
        this.textArguments = textArguments;
    }

    /**
     * The dialect that a template renders calls in, empty if that cannot be told.
     *
     * @param template renders variables; may throw {@link NibbleException}
     */
    public static Optional<Dialect> of(Function<Map<String, ? extends @Nullable Object>, String> template) {
        return new TemplateDiff(template, false).dialect().or(() -> new TemplateDiff(template, true).dialect());
    }

    private Optional<Dialect> dialect() {
        try {
            String one = calls(1);
            Dialect.Builder found = named(one);
            if (found == null) {
                return Optional.empty();
            }
            Dialect dialect = withReasoning(found).build();
            return reads(dialect, one, 1) && readsTwo(dialect) ? Optional.of(dialect) : Optional.empty();
        } catch (NibbleException | StringIndexOutOfBoundsException e) {
            return Optional.empty();
        }
    }

    /** Whether two calls are read back as well, unless the template renders one only. */
    private boolean readsTwo(Dialect dialect) {
        String two;
        try {
            two = calls(2);
        } catch (NibbleException e) {
            return true;
        }
        return !two.contains(NAMES.get(1)) || reads(dialect, two, 2);
    }

    private Dialect.@Nullable Builder named(String text) {
        int name = text.indexOf(NAMES.getFirst());
        if (name < 0) {
            return null;
        }
        int object = text.lastIndexOf('{', name);
        Object value = object < 0 ? null : json(text, object);
        if (value instanceof Map<?, ?> map) {
            return objects(text, object, map);
        }
        int arguments = text.indexOf('{', name);
        if (arguments >= 0 && json(text, arguments) instanceof Map<?, ?> map && map.containsKey(KEYS.getFirst())) {
            return outside(text, name, arguments);
        }
        return tagged(text, name);
    }

    /** Name and arguments in one JSON object. */
    private static Dialect.@Nullable Builder objects(String text, int start, Map<?, ?> map) {
        int end = end(text, start);
        String before = text.substring(0, start).stripTrailing();
        String after = text.substring(end).strip();
        boolean list = before.endsWith("[") && after.startsWith("]");
        String open = list ? before.substring(0, before.length() - 1) : before;
        String close = list ? after.substring(1) : after;
        String keys = "";
        if (map.containsKey(NAMES.getFirst())) {
            return list ? form(open, "%keyed%", close) : null;
        }
        String name = key(map, NAMES.getFirst());
        String id = key(map, IDS.getFirst());
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (entry.getValue() instanceof Map
                    || entry.getValue() instanceof String string && string.startsWith("{")) {
                keys = name + " " + entry.getKey() + (id == null ? "" : " " + id);
            }
        }
        return name == null || keys.isEmpty() ? null : form(open, (list ? "%calls " : "%call ") + keys + "%", close);
    }

    /** The name before the JSON object of the arguments. */
    private Dialect.@Nullable Builder outside(String text, int name, int arguments) {
        String between = text.substring(name + NAMES.getFirst().length(), arguments);
        String after = text.substring(end(text, arguments));
        return sectioned(
                text.substring(0, name), "%name%" + literal(between).replace(IDS.getFirst(), "%id%") + "%args%", after);
    }

    /** Each parameter between marks of its own. */
    private Dialect.@Nullable Builder tagged(String text, int name) {
        int key = text.indexOf(KEYS.get(0), name);
        int value = text.indexOf(VALUES.get(0), key);
        int nextKey = text.indexOf(KEYS.get(1), value);
        int nextValue = text.indexOf(VALUES.get(1), nextKey);
        if (key < 0 || value < 0 || nextKey < 0 || nextValue < 0) {
            return null;
        }
        String before = text.substring(name + NAMES.getFirst().length(), key);
        String between = text.substring(value + VALUES.get(0).length(), nextKey);
        String open = fromMark(commonEnd(before, between));
        String close = between.substring(0, between.length() - open.length()).stripTrailing();
        String after = text.substring(nextValue + VALUES.get(1).length());
        if (open.isEmpty() || close.isBlank() || !after.startsWith(close)) {
            return null;
        }
        String middle = text.substring(key + KEYS.get(0).length(), value);
        String parameter =
                literal(open) + "%key%" + line(literal(middle), true) + "%value%" + line(literal(close), false);
        return sectioned(
                text.substring(0, name),
                "%name%" + literal(before.substring(0, before.length() - open.length())) + "~%(%" + parameter + "~%)%",
                after.substring(close.length()));
    }

    /** What belongs to a call of what stands around it, and what to all of them together. */
    private Dialect.@Nullable Builder sectioned(String before, String call, String after) {
        String open = before.strip();
        String close = after.strip();
        String two;
        try {
            two = calls(2);
        } catch (NibbleException e) {
            return form(open, call, close);
        }
        int second = two.indexOf(NAMES.get(1));
        if (second < 0) {
            return form(open, call, close);
        }
        String own = fromMark(commonEnd(before, two.substring(0, second))).strip();
        String section = open.substring(0, open.length() - own.length()).strip();
        if (section.isEmpty()) {
            return form(open, call, close);
        }
        int lastMark = close.lastIndexOf('<');
        if (lastMark <= 0 || own.isEmpty()) {
            return null;
        }
        Dialect.Builder dialect = form(own, call, close.substring(0, lastMark).strip());
        return dialect == null ? null : dialect.inSection(section, close.substring(lastMark));
    }

    private static Dialect.@Nullable Builder form(String open, String call, String close) {
        if ((open + close).matches("(?s).*[%~^].*")) {
            return null;
        }
        String pattern = call + (close.isBlank() ? "" : "~" + literal(close.strip()));
        Dialect.Builder dialect = Dialect.plain("found by rendering");
        if (open.isBlank()) {
            return call.startsWith("%call") ? dialect.withBare(pattern) : null;
        }
        return dialect.withCalls(literal(open.strip()) + "~" + pattern);
    }

    private Dialect.Builder withReasoning(Dialect.Builder dialect) {
        String text;
        try {
            text = written(Map.of("role", "assistant", "content", TEXT, "reasoning_content", THOUGHT));
        } catch (NibbleException e) {
            return dialect;
        }
        int thought = text.indexOf(THOUGHT);
        int content = text.indexOf(TEXT);
        if (thought < 0 || content < thought) {
            return dialect;
        }
        String open = text.substring(0, thought).strip();
        String close = text.substring(thought + THOUGHT.length(), content).strip();
        return open.isEmpty() || close.isEmpty() ? dialect : dialect.withReasoning(open, close);
    }

    /** What an assistant's message adds that has some calls in place of text. */
    private String calls(int count) {
        List<Object> calls = new ArrayList<>();
        for (int i = 0; i < count; i++) {
            Map<String, Object> arguments = arguments();
            calls.add(Map.of(
                    "id",
                    IDS.get(i),
                    "type",
                    "function",
                    "function",
                    Map.of(
                            "name",
                            NAMES.get(i),
                            "arguments",
                            textArguments ? JsonValues.write(arguments) : arguments)));
        }
        return written(Map.of("role", "assistant", "content", "", "tool_calls", calls));
    }

    private static Map<String, Object> arguments() {
        Map<String, Object> arguments = new LinkedHashMap<>();
        for (int i = 0; i < KEYS.size(); i++) {
            arguments.put(KEYS.get(i), VALUES.get(i));
        }
        return arguments;
    }

    /** What stands for a message, without what any message of an assistant has around it. */
    private String written(Map<String, ?> message) {
        String plain = render(Map.of("role", "assistant", "content", TEXT));
        String other = render(message);
        int at = plain.indexOf(TEXT);
        if (at < 0) {
            throw new StringIndexOutOfBoundsException(at);
        }
        String end = plain.substring(at + TEXT.length());
        int common = 0;
        while (common < at && common < other.length() && plain.charAt(common) == other.charAt(common)) {
            common++;
        }
        String rest = other.substring(common);
        int tail = commonEnd(end, rest).length();
        return rest.substring(0, rest.length() - tail);
    }

    private String render(Map<String, ?> message) {
        List<Object> tools = new ArrayList<>();
        for (String name : NAMES) {
            Map<String, Object> properties = new LinkedHashMap<>();
            KEYS.forEach(key -> properties.put(key, Map.of("type", "string", "description", "a key")));
            tools.add(Map.of(
                    "type",
                    "function",
                    "function",
                    Map.of(
                            "name",
                            name,
                            "description",
                            "a tool",
                            "parameters",
                            Map.of("type", "object", "properties", properties, "required", KEYS))));
        }
        Map<String, Object> variables = new LinkedHashMap<>();
        variables.put("messages", List.of(Map.of("role", "user", "content", "question"), message));
        variables.put("tools", tools);
        variables.put("add_generation_prompt", false);
        variables.put("bos_token", "");
        variables.put("eos_token", "");
        return template.apply(variables);
    }

    /** Whether the dialect reads the calls back. */
    private static boolean reads(Dialect dialect, String text, int count) {
        Map<String, String> schemas = new LinkedHashMap<>();
        for (String name : NAMES) {
            schemas.put(name, "{\"type\": \"object\", \"additionalProperties\": {\"type\": \"string\"}}");
        }
        List<String> read = new ArrayList<>();
        AnswerReader reader = new AnswerReader(dialect, new Tools(schemas), "", new AnswerSink() {
            @Override
            public void content(String more) {
                read.add(more);
            }

            @Override
            public void reasoning(String more) {
                read.add(more);
            }

            @Override
            public void callBegins(String name) {}

            @Override
            public void arguments(String json) {}

            @Override
            public void callEnds(String name, String arguments, @Nullable String id) {
                read.add(name + JsonValues.write(JsonReader.read(arguments, "the arguments")));
            }

            @Override
            public void callFails(String name, String arguments, String why) {
                read.add(why);
            }
        });
        reader.feed(text);
        boolean complete = reader.finish() == null;
        List<String> written = new ArrayList<>();
        for (String name : NAMES.subList(0, count)) {
            written.add(name + JsonValues.write(arguments()));
        }
        return complete && read.equals(written);
    }

    private static @Nullable String key(Map<?, ?> map, String value) {
        for (Map.Entry<?, ?> entry : map.entrySet()) {
            if (value.equals(entry.getValue())) {
                return (String) entry.getKey();
            }
        }
        return null;
    }

    private static int end(String text, int start) {
        Cursor in = new Cursor(new StringBuilder(text), start, true);
        in.json();
        return in.at;
    }

    private static @Nullable Object json(String text, int start) {
        try {
            return JsonReader.read(text.substring(start, end(text, start)), "the call");
        } catch (JsonException | Unread e) {
            return null;
        }
    }

    private static String commonEnd(String a, String b) {
        int length = 0;
        while (length < a.length()
                && length < b.length()
                && a.charAt(a.length() - 1 - length) == b.charAt(b.length() - 1 - length)) {
            length++;
        }
        return a.substring(a.length() - length);
    }

    /** Text without the end of a mark at its beginning. */
    private static String fromMark(String text) {
        int mark = text.indexOf('<');
        return mark > 0 ? text.substring(mark) : text.stripLeading();
    }

    /** A literal of a pattern in which lines may break otherwise. */
    private static String literal(String text) {
        return text.replaceAll("\\s*\\n\\s*", "~");
    }

    /** A literal beside a value, from which it is one newline away at the most. */
    private static String line(String literal, boolean before) {
        if (before) {
            return literal.endsWith("~") ? literal.substring(0, literal.length() - 1) + "^" : literal;
        }
        return literal.startsWith("~") ? "^" + literal.substring(1) : literal;
    }
}
