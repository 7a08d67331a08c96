package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import dev.nibble.model.StringArray;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The texts of all tokens in one array of bytes, and a hash index over them. Of tokens with the same text the last is
 * found, as in llama.cpp; a token may have no text.
 */
final class TokenTable {
    static final int NONE = -1;

    private static final String KEY = "tokenizer.ggml.tokens";

    private final byte[] bytes;
    private final int[] starts; // [size + 1]
    private final int[] slots;
    private final int longest;

    private TokenTable(byte[] bytes, int[] starts, int[] slots, int longest) {
        this.bytes = bytes;
        this.starts = starts;
        this.slots = slots;
        this.longest = longest;
    }

    static TokenTable read(Metadata metadata) {
        StringArray tokens = metadata.optionalStrings(KEY);
        if (tokens == null || tokens.size() == 0) {
            throw metadata.failure(KEY, "expected the texts of the tokens, found none; the file has no vocabulary");
        }
        int size = tokens.size();
        byte[] bytes = new byte[Math.min(1 << 24, 8 * size + 64)];
        int[] starts = new int[size + 1];
        int longest = 0;
        for (int id = 0; id < size; id++) {
            byte[] token = tokens.bytes(id);
            int end = starts[id] + token.length;
            if (end < 0 || end > Integer.MAX_VALUE - 64) {
                throw metadata.failure(KEY, "the texts of the tokens exceed 2 GiB");
            }
            if (end > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(end, IntList.grown(bytes.length)));
            }
            System.arraycopy(token, 0, bytes, starts[id], token.length);
            starts[id + 1] = end;
            longest = Math.max(longest, token.length);
        }
        int[] slots = new int[Hashing.tableSize(size)];
        Arrays.fill(slots, NONE);
        TokenTable table = new TokenTable(Arrays.copyOf(bytes, starts[size]), starts, slots, longest);
        for (int id = 0; id < size; id++) {
            if (table.length(id) > 0) { // what has no text is never found
                slots[table.slot(table.bytes, starts[id], starts[id + 1])] = id;
            }
        }
        return table;
    }

    int size() {
        return starts.length - 1;
    }

    /** Length in bytes of the longest token. */
    int longest() {
        return longest;
    }

    int length(int id) {
        return starts[id + 1] - starts[id];
    }

    byte byteAt(int id, int index) {
        return bytes[starts[id] + index];
    }

    byte[] bytes(int id) {
        return Arrays.copyOfRange(bytes, starts[id], starts[id + 1]);
    }

    /** The text, or a name for the token that has none. */
    String text(int id) {
        return length(id) == 0
                ? "[EMPTY_" + id + "]"
                : new String(bytes, starts[id], length(id), StandardCharsets.UTF_8);
    }

    /** The token whose text is {@code [from, to)} of {@code text}, or {@link #NONE}. */
    int find(byte[] text, int from, int to) {
        return to - from > longest ? NONE : slots[slot(text, from, to)];
    }

    int find(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        return find(utf8, 0, utf8.length);
    }

    private int slot(byte[] text, int from, int to) {
        int mask = slots.length - 1;
        int slot = Hashing.hash(text, from, to) & mask;
        while (slots[slot] != NONE) {
            int id = slots[slot];
            if (Arrays.equals(bytes, starts[id], starts[id + 1], text, from, to)) {
                break;
            }
            slot = (slot + 1) & mask;
        }
        return slot;
    }
}
