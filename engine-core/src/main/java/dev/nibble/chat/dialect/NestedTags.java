package dev.nibble.chat.dialect;

import dev.nibble.json.JsonValues;

/** Arguments as tags within tags, each with a mark before it; the tag {@code item} is one of a list. */
record NestedTags(String mark) implements Step {
    private static final int MAX_DEPTH = 100;
    private static final String ITEM = "item";

    @Override
    public void read(Cursor in, Drafts calls) {
        Draft call = calls.first();
        StringBuilder json = new StringBuilder("{");
        in.space();
        while (opens(in)) {
            String key = open(in);
            call.key = key;
            json.append(json.length() > 1 ? ", " : "")
                    .append(JsonValues.write(key))
                    .append(": ");
            value(in, call, key, json, 0);
            call.arguments = json.toString();
            in.space();
        }
        call.arguments = json.append('}').toString();
    }

    private boolean opens(Cursor in) {
        return in.sees(mark + "<") && !in.sees(mark + "</");
    }

    private String open(Cursor in) {
        in.expect(mark + "<");
        String key = in.name("");
        in.expect(">");
        return key;
    }

    private void value(Cursor in, Draft call, String tag, StringBuilder json, int depth) {
        if (depth > MAX_DEPTH) {
            throw Unread.OTHER;
        }
        String text = in.until(mark + "<");
        if (!opens(in)) {
            String written = depth == 0 ? call.value(text) : scalar(text);
            json.append(written);
        } else {
            boolean list = in.sees(mark + "<" + ITEM + ">");
            json.append(list ? '[' : '{');
            String separator = "";
            while (opens(in)) {
                String key = open(in);
                json.append(separator).append(list ? "" : JsonValues.write(key) + ": ");
                value(in, call, key, json, depth + 1);
                separator = ", ";
                in.space();
            }
            json.append(list ? ']' : '}');
        }
        in.expect(mark + "</" + tag + ">");
    }

    /** A value within others: the schema is not followed so far, so that what reads as JSON is. */
    private static String scalar(String text) {
        String word = text.strip();
        return word.matches("-?(0|[1-9]\\d*)(\\.\\d+)?|true|false|null") ? word : JsonValues.write(text);
    }
}
