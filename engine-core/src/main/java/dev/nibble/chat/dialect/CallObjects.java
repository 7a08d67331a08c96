package dev.nibble.chat.dialect;

import dev.nibble.json.JsonException;
import dev.nibble.json.JsonReader;
import org.jspecify.annotations.Nullable;

/** Calls as JSON objects with the name, the arguments and perhaps an id under some keys. */
final class CallObjects {
    private final String nameKey;
    private final String argumentsKey;
    private final String idKey;

    private CallObjects(String nameKey, String argumentsKey, String idKey) {
        this.nameKey = nameKey;
        this.argumentsKey = argumentsKey;
        this.idKey = idKey;
    }

    /** Those with keys: the second word the one of the name, then of the arguments, then of the id, which may be missing. */
    static CallObjects with(String[] words) {
        return new CallObjects(words[1], words[2], words.length > 3 ? words[3] : "");
    }

    /** One object. */
    void one(Cursor in, Drafts calls) {
        object(in, calls.first());
    }

    /** A list of objects, or one object after the other. */
    void several(Cursor in, Drafts calls) {
        each(in, calls, this::object);
    }

    /** A list of objects with one member each: the name and the arguments. */
    static void keyed(Cursor in, Drafts calls) {
        each(in, calls, (cursor, call) -> {
            cursor.expect("{");
            cursor.space();
            call.name(string(cursor));
            cursor.space();
            cursor.expect(":");
            cursor.space();
            arguments(cursor, call);
            cursor.space();
            cursor.expect("}");
        });
    }

    private interface Item {
        void read(Cursor in, Draft call);
    }

    private static void each(Cursor in, Drafts calls, Item item) {
        boolean list = in.skip("[");
        int count = 0;
        in.space();
        while (list || in.sees("{")) {
            Draft call = calls.at(count++);
            item.read(in, call);
            call.done = true;
            in.space();
            boolean more = in.skip(",");
            in.space();
            if (list && !more) {
                in.expect("]");
                break;
            }
        }
        if (count == 0) {
            throw Unread.OTHER;
        }
    }

    private void object(Cursor in, Draft call) {
        in.expect("{");
        boolean named = false;
        boolean given = false;
        do {
            in.space();
            String key = string(in);
            in.space();
            in.expect(":");
            in.space();
            if (key.equals(nameKey)) {
                call.name(string(in));
                named = true;
            } else if (key.equals(argumentsKey)) {
                given = true;
                arguments(in, call);
            } else {
                if (!named && call.onlyKnown && !key.equals("type")) {
                    throw Unread.OTHER;
                }
                int start = in.at;
                in.json();
                if (key.equals(idKey)) {
                    call.id = decoded(in.since(start));
                }
            }
            in.space();
        } while (in.skip(","));
        in.expect("}");
        if (!named) {
            throw Unread.OTHER;
        }
        if (!given) {
            call.arguments = "{}";
        }
    }

    /** Arguments: an object, the text of one in a string, or null for none. */
    static void arguments(Cursor in, Draft call) {
        int start = in.at;
        boolean object = in.peek() == '{';
        try {
            in.json();
        } catch (Unread e) {
            call.arguments = object && e == Unread.CUT ? in.rest(start) : "";
            throw e;
        }
        String text = in.since(start);
        String decoded = text.startsWith("\"") ? decoded(text) : text;
        call.arguments = decoded == null || decoded.equals("null") || decoded.isBlank() ? "{}" : decoded;
    }

    private static String string(Cursor in) {
        if (in.peek() != '"') {
            throw Unread.OTHER;
        }
        int start = in.at;
        in.string('"');
        String decoded = decoded(in.since(start));
        if (decoded == null) {
            throw Unread.OTHER;
        }
        return decoded;
    }

    private static @Nullable String decoded(String json) {
        try {
            return JsonReader.read(json, "the text") instanceof String string ? string : json;
        } catch (JsonException e) {
            return null;
        }
    }
}
