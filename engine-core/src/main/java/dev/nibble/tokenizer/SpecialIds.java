package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.util.OptionalInt;

/**
 * The ids that have a role. A file names them; where it does not, old files of some tokenizer models mean fixed ids.
 *
 * @param bos begins a text
 * @param eos ends a text
 * @param eot ends a turn
 * @param eom ends a message within a turn
 * @param unknown stands for what cannot be expressed
 * @param separator ends the text of an encoder model
 * @param padding fills up a batch
 */
record SpecialIds(
        OptionalInt bos,
        OptionalInt eos,
        OptionalInt eot,
        OptionalInt eom,
        OptionalInt unknown,
        OptionalInt separator,
        OptionalInt padding) {

    static final int NONE = -1;

    private static final String PREFIX = "tokenizer.ggml.";
    private static final long MINUS_ONE_AS_U32 = 0xFFFF_FFFFL;

    /** Reads the ids; the defaults of the tokenizer model are {@link #NONE} or an id that counts if it exists. */
    static SpecialIds read(Metadata metadata, int size, int bos, int eos, int unknown, int separator) {
        return new SpecialIds(
                required(metadata, "bos", size, bos),
                required(metadata, "eos", size, eos),
                required(metadata, "eot", size, NONE),
                required(metadata, "eom", size, NONE),
                required(metadata, "unknown", size, unknown),
                required(metadata, "seperator", size, separator), // the key is misspelt in the format
                lenient(metadata, "padding", size));
    }

    /** An id whose absence is harmless: one that names no token is as good as none. */
    static OptionalInt lenient(Metadata metadata, String name, int size) {
        return metadata.get(PREFIX + name + "_token_id") instanceof Long id && id >= 0 && id < size
                ? OptionalInt.of((int) (long) id)
                : OptionalInt.empty();
    }

    private static OptionalInt required(Metadata metadata, String name, int size, int defaultId) {
        String key = PREFIX + name + "_token_id";
        Object value = metadata.get(key);
        if (value == null || value.equals(-1L) || value.equals(MINUS_ONE_AS_U32)) {
            return defaultId >= 0 && defaultId < size ? OptionalInt.of(defaultId) : OptionalInt.empty();
        }
        int id = metadata.requireInt(key);
        if (id < 0 || id >= size) {
            throw metadata.failure(key, "token " + id + " is not in the vocabulary of " + size + " tokens");
        }
        return OptionalInt.of(id);
    }
}
