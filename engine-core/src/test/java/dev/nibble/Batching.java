package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.spi.Batch;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** What the tests of sessions that are evaluated together have in common. */
final class Batching {
    /** A token that only prompts have: it is never generated here. */
    static final int MARK = ByteTokenizer.EOS;

    private Batching() {}

    static GenerationOptions sampled(long seed, int tokens) {
        return GenerationOptions.DEFAULT
                .withTemperature(1)
                .withSeed(seed)
                .withMaxTokens(tokens)
                .withIgnoreEndOfGeneration(true);
    }

    /** As long as evaluating takes where weights are read, so that others come meanwhile. */
    static void pause() {
        try {
            Thread.sleep(2);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    static void await(CountDownLatch latch) {
        boolean interrupted = false;
        while (true) {
            try {
                assertThat(latch.await(60, TimeUnit.SECONDS)).isTrue();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }

    static int[] alone(String prompt, GenerationOptions options) {
        try (LanguageModel model = new FakeModel().open();
                Session session = model.newSession()) {
            return session.generate(prompt, options).tokens();
        }
    }

    static int sequences(Batch batch) {
        Set<Object> sequences = new HashSet<>();
        for (int row = 0; row < batch.size(); row++) {
            sequences.add(batch.sequence(row));
        }
        return sequences.size();
    }

    static boolean has(Batch batch, int token) {
        for (int row = 0; row < batch.size(); row++) {
            if (batch.token(row) == token) {
                return true;
            }
        }
        return false;
    }
}
