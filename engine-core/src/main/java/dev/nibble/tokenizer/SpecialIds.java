package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.util.BitSet;
import java.util.List;
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
 * @param ends all that end a text, a turn or a message by what the file says, those named before included
 */
record SpecialIds(
        OptionalInt bos,
        OptionalInt eos,
        OptionalInt eot,
        OptionalInt eom,
        OptionalInt unknown,
        OptionalInt separator,
        OptionalInt padding,
        BitSet ends) {

    static final int NONE = -1;

    private static final String PREFIX = "tokenizer.ggml.";
    private static final long MINUS_ONE_AS_U32 = 0xFFFF_FFFFL;

    /** Reads the ids; the defaults of the tokenizer model are {@link #NONE} or an id that counts if it exists. */
    static SpecialIds read(Metadata metadata, int size, int bos, int eos, int unknown, int separator) {
        BitSet ends = new BitSet();
        return new SpecialIds(
                required(metadata, "bos", size, bos),
                ending(metadata, "eos", size, eos, ends),
                ending(metadata, "eot", size, NONE, ends),
                ending(metadata, "eom", size, NONE, ends),
                required(metadata, "unknown", size, unknown),
                required(metadata, "seperator", size, separator), // the key is misspelt in the format
                lenient(metadata, "padding", size),
                ends);
    }

    /**
     * An id that ends a text, a turn or a message, of which a file may name several: as an array in place of the one id, or
     * as an array under a key of its own, {@code eos_token_ids}. The first is the one.
     *
     * @param ends gets all of them
     */
    private static OptionalInt ending(Metadata metadata, String name, int size, int defaultId, BitSet ends) {
        String key = PREFIX + name + "_token_id";
        OptionalInt first = OptionalInt.empty();
        for (String listed : List.of(key, key + "s")) {
            if (metadata.get(listed) instanceof long[] ids) {
                for (long id : ids) {
                    OptionalInt end = checked(metadata, listed, id, size);
                    end.ifPresent(ends::set);
                    first = first.isPresent() ? first : end;
                }
            } else if (listed.length() > key.length() && metadata.contains(listed)) {
                checked(metadata, listed, metadata.requireInt(listed), size).ifPresent(ends::set);
            }
        }
        OptionalInt one = metadata.get(key) instanceof long[] ? first : required(metadata, name, size, defaultId);
        boolean named = metadata.get(key) instanceof Long id && id != NONE && id != MINUS_ONE_AS_U32;
        one = one.isPresent() && (named || first.isEmpty()) ? one : first;
        one.ifPresent(ends::set);
        return one;
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
        return checked(metadata, key, metadata.requireInt(key), size);
    }

    private static OptionalInt checked(Metadata metadata, String key, long id, int size) {
        if (id == NONE || id == MINUS_ONE_AS_U32) {
            return OptionalInt.empty();
        }
        if (id < 0 || id >= size) {
            throw metadata.failure(key, "token " + id + " is not in the vocabulary of " + size + " tokens");
        }
        return OptionalInt.of((int) id);
    }
}
