package dev.nibble.chat.dialect;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;

/** Arguments as Gemma writes them: objects with bare keys, and strings between two marks in place of quotes. */
record GemmaArguments(String quote) implements Step {
    private static final int MAX_DEPTH = 100;

    @Override
    public void read(Cursor in, Drafts calls) {
        if (in.peek() != '{') {
            throw Unread.OTHER;
        }
        StringBuilder json = new StringBuilder();
        value(in, json, 0);
        calls.first().arguments = json.toString();
    }

    private void value(Cursor in, StringBuilder json, int depth) {
        if (depth > MAX_DEPTH) {
            throw Unread.OTHER;
        }
        if (in.skip(quote)) {
            json.append(JsonValues.write(quoted(in)));
        } else if (in.peek() == '{') {
            items(in, json, true, depth);
        } else if (in.peek() == '[') {
            items(in, json, false, depth);
        } else {
            plain(in, json);
        }
    }

    private String quoted(Cursor in) {
        String text = in.until(quote);
        in.expect(quote);
        return text;
    }

    private void items(Cursor in, StringBuilder json, boolean map, int depth) {
        String close = map ? "}" : "]";
        json.append(in.peek());
        in.at++;
        in.space();
        boolean first = true;
        while (!in.skip(close)) {
            json.append(first ? "" : ", ");
            first = false;
            if (map) {
                String key = in.skip(quote) ? quoted(in) : in.until(":").strip();
                json.append(JsonValues.write(key)).append(": ");
                in.space();
                in.expect(":");
                in.space();
            }
            value(in, json, depth + 1);
            in.space();
            in.separator(close);
        }
        json.append(close);
    }

    /** What is no mark of a string: JSON, or else a string without its marks. */
    private static void plain(Cursor in, StringBuilder json) {
        int start = in.at;
        if (in.peek() == '"') {
            in.string('"');
        } else {
            in.plain();
        }
        String text = in.since(start);
        try {
            JsonReader.read(text, "the value");
            json.append(text);
        } catch (JsonException e) {
            json.append(JsonValues.write(text));
        }
    }
}
