package dev.nibble.sampling;

/** Makes tokens less likely that were seen lately. */
final class Penalties {
    private final float repeat;
    private final float frequency;
    private final float presence;
    private final int lastN;
    /** [vocabSize], all zero between calls. */
    private final int[] counts;

    Penalties(float repeat, float frequency, float presence, int lastN, int vocabSize) {
        this.repeat = repeat;
        this.frequency = frequency;
        this.presence = presence;
        this.lastN = lastN;
        this.counts = new int[vocabSize];
    }

    void apply(float[] logits, int[] tokens, int count) {
        int first = lastN < 0 ? 0 : Math.max(0, count - lastN);
        for (int i = first; i < count; i++) {
            counts[tokens[i]]++;
        }
        for (int i = first; i < count; i++) {
            int token = tokens[i];
            int seen = counts[token];
            if (seen > 0) {
                float logit = logits[token];
                logit = logit <= 0 ? logit * repeat : logit / repeat;
                logits[token] = logit - seen * frequency - presence;
                counts[token] = 0;
            }
        }
    }
}
