package dev.nibble.cli;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.NibbleException;
import java.util.ArrayList;
import java.util.List;

/** Arithmetic on rows of logits. */
final class Logits {
    /** Floats of logits held at a time. */
    private static final int MAX_FLOATS = 1 << 24;

    private Logits() {}

    /** How many rows of logits to ask for at once, so that their memory stays small. */
    static int rowsAtOnce(int vocabSize) {
        return Math.clamp(MAX_FLOATS / Math.max(1, vocabSize), 1, 512);
    }

    /**
     * Fails if a row holds what is no number.
     *
     * @param position of the token it follows
     * @param kv type of the KV cache
     */
    static void requireNumbers(float[] logits, int offset, int vocabSize, int position, KvCacheTypes kv) {
        for (int id = 0; id < vocabSize; id++) {
            if (!Float.isFinite(logits[offset + id])) {
                throw new NibbleException(
                        "the model's scores after " + (position + 1) + " tokens hold what is no number ("
                                + logits[offset + id] + "); "
                                + (kv.equals(KvCacheTypes.of(KvCacheType.F32))
                                        ? "the file may be damaged"
                                        : "the KV cache of type " + kv
                                                + " may not hold this model's values: try --kv f32; if that"
                                                + " gives the same, the file may be damaged"));
            }
        }
    }

    /** The best token of a row, the lowest id among equals. */
    static int argmax(float[] logits, int offset, int vocabSize) {
        int best = 0;
        for (int id = 1; id < vocabSize; id++) {
            if (logits[offset + id] > logits[offset + best]) {
                best = id;
            }
        }
        return best;
    }

    /** The natural logarithm of the probability that a row gives to a token. */
    static double logProbability(float[] logits, int offset, int vocabSize, int token) {
        double max = logits[offset + argmax(logits, offset, vocabSize)];
        double sum = 0;
        for (int id = 0; id < vocabSize; id++) {
            sum += Math.exp(logits[offset + id] - max);
        }
        return logits[offset + token] - max - Math.log(sum);
    }

    /**
     * Token ids as users write them: {@code 1,2,3}, spaces and brackets allowed.
     *
     * @param option where they were given
     * @throws UsageException if it is anything else
     */
    static int[] parseTokens(String option, String text) {
        String list = text.strip();
        if (list.startsWith("[") && list.endsWith("]")) {
            list = list.substring(1, list.length() - 1);
        }
        List<Integer> ids = new ArrayList<>();
        for (String id : list.strip().split("\\s*,\\s*|\\s+")) {
            try {
                ids.add(Integer.parseInt(id));
            } catch (NumberFormatException e) {
                throw new UsageException(option + " takes ids as 1,2,3; '" + id + "' is none", e);
            }
        }
        return ids.stream().mapToInt(Integer::intValue).toArray();
    }
}
