package dev.nibble.chat.dialect;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;

/** Calls as Python writes them, with named arguments: one, or several in a list. */
final class PythonCalls {
    private static final int MAX_DEPTH = 100;
    private static final String ESCAPES = "\\'\"nrtbfa0";
    private static final String ESCAPED = "\\'\"\n\r\t\b\f\u0007\0";

    private PythonCalls() {}

    static void read(Cursor in, Drafts calls) {
        boolean list = in.skip("[");
        int count = 0;
        boolean more = true;
        while (more) {
            in.space();
            Draft call = calls.at(count++);
            call(in, call);
            call.done = true;
            in.space();
            more = in.skip(",");
        }
        if (list) {
            in.expect("]");
        }
    }

    private static void call(Cursor in, Draft call) {
        String name = in.name("");
        in.expect("(");
        call.name(name.endsWith(".call") ? name.substring(0, name.length() - ".call".length()) : name);
        StringBuilder json = new StringBuilder("{");
        in.space();
        while (!in.skip(")")) {
            String key = in.name("");
            in.space();
            in.expect("=");
            in.space();
            json.append(json.length() > 1 ? ", " : "")
                    .append(JsonValues.write(key))
                    .append(": ");
            value(in, json, 0);
            call.arguments = json.toString();
            in.space();
            in.separator(")");
        }
        call.arguments = json.append('}').toString();
    }

    private static void value(Cursor in, StringBuilder json, int depth) {
        if (depth > MAX_DEPTH) {
            throw Unread.OTHER;
        }
        switch (in.peek()) {
            case '"', '\'' -> json.append(JsonValues.write(string(in)));
            case '[' -> items(in, json, "[", "]", depth);
            case '(' -> items(in, json, "(", ")", depth);
            case '{' -> items(in, json, "{", "}", depth);
            default -> word(in.plain(), json);
        }
    }

    private static void items(Cursor in, StringBuilder json, String open, String close, int depth) {
        boolean map = open.equals("{");
        in.expect(open);
        json.append(map ? '{' : '[');
        in.space();
        boolean first = true;
        while (!in.skip(close)) {
            json.append(first ? "" : ", ");
            first = false;
            if (map) {
                json.append(JsonValues.write(string(in)));
                in.space();
                in.expect(":");
                in.space();
                json.append(": ");
            }
            value(in, json, depth + 1);
            in.space();
            in.separator(close);
        }
        json.append(map ? '}' : ']');
    }

    private static void word(String word, StringBuilder json) {
        String value = switch (word) {
            case "True" -> "true";
            case "False" -> "false";
            case "None" -> "null";
            default -> word;
        };
        try {
            JsonReader.read(value, "the value");
        } catch (JsonException e) {
            throw Unread.OTHER;
        }
        json.append(value);
    }

    private static String string(Cursor in) {
        char quote = in.peek();
        if (quote != '"' && quote != '\'') {
            throw Unread.OTHER;
        }
        int start = in.at;
        in.string(quote);
        String text = in.since(start);
        StringBuilder value = new StringBuilder();
        for (int i = 1; i < text.length() - 1; i++) {
            char c = text.charAt(i);
            if (c == '\\') {
                i++;
                char escape = text.charAt(i);
                int known = ESCAPES.indexOf(escape);
                int digits = escape == 'x' ? 2 : escape == 'u' ? 4 : 0;
                if (digits > 0 && i + digits < text.length() - 1) {
                    value.append(unicode(text.substring(i + 1, i + 1 + digits)));
                    i += digits;
                } else if (known >= 0) {
                    value.append(ESCAPED.charAt(known));
                } else if (escape != '\n') {
                    value.append('\\').append(escape);
                }
            } else {
                value.append(c);
            }
        }
        return value.toString();
    }

    private static char unicode(String digits) {
        try {
            return (char) Integer.parseInt(digits, 16);
        } catch (NumberFormatException e) {
            throw Unread.OTHER;
        }
    }
}
