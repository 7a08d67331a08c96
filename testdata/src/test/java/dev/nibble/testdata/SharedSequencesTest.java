package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.KvBudgetException;
import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.spi.SequenceMemory;
import dev.nibble.tensor.DType;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Sequences that share what they hold, whoever writes, goes back or is closed first, compute what each would alone: on machine code to
 * the last bit. When all are closed, all memory was given back.
 */
@Tag("batch-invariance")
@DisabledIf(
        value = "dev.nibble.testdata.ProcessorVectors#areTheUsual",
        disabledReason = "machine code for this processor has vectors of this width without being asked")
class SharedSequencesTest {
    private static final int CONTEXT = 256;
    private static final int[] TEXT = tokens(150, 5);
    private static final int[] ENDING = tokens(70, 8);

    @TempDir
    Path folder;

    private static int[] tokens(int count, int seed) {
        return new Random(seed).ints(count, 1, 250).toArray();
    }

    static Stream<String> models() {
        return (System.getProperty("nibble.vector.bits") == null ? TinyModels.names() : Set.<String>of("llama"))
                .stream();
    }

    private void with(String name, Consumer<ForwardPass> test) throws IOException {
        Path file = folder.resolve("model.gguf");
        TinyModels.write(name, 1, DType.Q8_0, file);
        try (Backend backend = Evaluation.openBackend(LoadOptions.DEFAULT.withThreads(2));
                GgufFile source = GgufFile.open(file)) {
            assumeTrue(
                    backend.description().contains("machine code"), "no machine code here: " + backend.description());
            Model model = Architectures.read(source, CONTEXT);
            assumeTrue(model.isCausal(), name + " reads all of a text at once");
            try (ForwardPass pass = backend.compile(model, source)) {
                test.accept(pass);
                assertThat(pass.heldBytes())
                        .as("bytes held by closed sequences")
                        .isZero();
            }
        }
    }

    /** Evaluates tokens in two batches, and gives what follows the last. */
    private static float[] extend(ForwardPass pass, Sequence sequence, int... tokens) {
        float[] logits = new float[pass.outputSize()];
        int half = tokens.length / 2;
        for (int[] part : List.of(Arrays.copyOf(tokens, half), Arrays.copyOfRange(tokens, half, tokens.length))) {
            if (part.length > 0) {
                Batch batch = new Batch(part.length);
                for (int i = 0; i < part.length; i++) {
                    batch.add(sequence, part[i], i == part.length - 1);
                }
                pass.evaluate(batch, logits, () -> false);
            }
        }
        return logits;
    }

    private static float[] alone(ForwardPass pass, KvCacheType type, int[] tokens) {
        try (Sequence sequence = pass.newSequence(CONTEXT, type)) {
            return extend(pass, sequence, tokens);
        }
    }

    private static int[] concat(int[] some, int length, int... others) {
        int[] all = Arrays.copyOf(some, length + others.length);
        System.arraycopy(others, 0, all, length, others.length);
        return all;
    }

    @ParameterizedTest
    @MethodSource("models")
    void eachComputesWhatItWouldAlone(String name) throws IOException {
        with(name, pass -> {
            for (KvCacheType type : List.of(KvCacheType.F16, KvCacheType.F32)) {
                int shared = 0;
                for (int at : new int[] {TEXT.length, 130, 128, 65, 64, 7}) {
                    shared += shares(pass, type, at) ? 1 : 0;
                }
                assertThat(shared).as("positions at which it was shared").isPositive();
            }
        });
    }

    private static boolean shares(ForwardPass pass, KvCacheType type, int at) {
        String what = type + " at " + at;
        int[] other = tokens(40, at);
        try (Sequence first = pass.newSequence(CONTEXT, type);
                Sequence second = pass.newSequence(CONTEXT - 32, type);
                Sequence third = pass.newSequence(CONTEXT, type)) {
            extend(pass, first, TEXT);
            int usable = first.shareable(at);
            if (usable == 0) {
                assertThat(at).as("the end can always be shared").isLessThan(TEXT.length);
                return false;
            }
            assertThat(usable).isEqualTo(at);
            long held = pass.heldBytes();
            second.share(first, at);
            third.share(second, at);
            assertThat(second.length()).isEqualTo(at);
            assertThat(pass.heldBytes() - held)
                    .as("bytes that sharing took, states apart")
                    .isLessThanOrEqualTo(held);
            float[] expected = alone(pass, type, concat(TEXT, at, other));
            float[] longer = alone(pass, type, concat(TEXT, TEXT.length, ENDING));
            assertThat(extend(pass, second, other)).as("the second, %s", what).isEqualTo(expected);
            assertThat(extend(pass, first, ENDING)).as("the first, %s", what).isEqualTo(longer);
            assertThat(extend(pass, third, concat(other, 20, ENDING)))
                    .as("the third, %s", what)
                    .isEqualTo(alone(pass, type, concat(TEXT, at, concat(other, 20, ENDING))));
            if (at > 70 && second.truncate(70)) {
                assertThat(extend(pass, second, ENDING))
                        .as("the second, gone back before where they parted, %s", what)
                        .isEqualTo(alone(pass, type, concat(TEXT, 70, ENDING)));
                assertThat(third.truncate(at)).isTrue();
                assertThat(extend(pass, third, other))
                        .as("the third undisturbed, %s", what)
                        .isEqualTo(expected);
            }
            return true;
        }
    }

    @Test
    void theyAreEvaluatedTogetherAtThePositionWhereTheyPart() throws IOException {
        with("llama", pass -> {
            try (Sequence first = pass.newSequence(CONTEXT, KvCacheType.F16);
                    Sequence second = pass.newSequence(CONTEXT, KvCacheType.F16)) {
                extend(pass, first, TEXT);
                second.share(first, TEXT.length);
                float[] logits = new float[2 * pass.outputSize()];
                for (int i = 0; i < 20; i++) {
                    Batch batch = new Batch(2);
                    batch.add(second, ENDING[i], true);
                    batch.add(first, ENDING[i + 20], true);
                    pass.evaluate(batch, logits, () -> false);
                }
                float[] both = Arrays.copyOf(
                        alone(pass, KvCacheType.F16, concat(TEXT, TEXT.length, Arrays.copyOf(ENDING, 20))),
                        2 * pass.outputSize());
                float[] other =
                        alone(pass, KvCacheType.F16, concat(TEXT, TEXT.length, Arrays.copyOfRange(ENDING, 20, 40)));
                System.arraycopy(other, 0, both, pass.outputSize(), other.length);
                assertThat(logits).isEqualTo(both);
            }
        });
    }

    @Test
    void theyAreClosedInAnyOrder() throws IOException {
        with("gemma3", pass -> {
            for (int seed = 0; seed < 6; seed++) {
                List<Sequence> sequences = new ArrayList<>();
                for (int i = 0; i < 4; i++) {
                    Sequence next = pass.newSequence(CONTEXT, KvCacheType.F16);
                    if (i > 0) {
                        Sequence before = sequences.getLast();
                        next.share(before, before.length());
                    }
                    extend(pass, next, Arrays.copyOf(TEXT, 30));
                    sequences.add(next);
                }
                Sequence last = sequences.removeLast();
                Collections.shuffle(sequences, new Random(seed));
                sequences.forEach(Sequence::close);
                int[] four = concat(concat(TEXT, 30, TEXT), 60, concat(TEXT, 30, TEXT));
                assertThat(extend(pass, last, ENDING))
                        .isEqualTo(alone(pass, KvCacheType.F16, concat(four, 120, ENDING)));
                last.close();
            }
        });
    }

    @ParameterizedTest
    @MethodSource("models")
    void whatWasSavedGoesOnAsBefore(String name) throws IOException {
        with(name, pass -> {
            for (KvCacheType type : List.of(KvCacheType.F16, KvCacheType.F32)) {
                try (Sequence first = pass.newSequence(CONTEXT, type);
                        Sequence second = pass.newSequence(CONTEXT, type)) {
                    extend(pass, first, TEXT);
                    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                    first.save(Channels.newChannel(bytes));
                    float[] expected = extend(pass, first, ENDING);
                    byte[] saved = bytes.toByteArray();
                    assertThatThrownBy(() -> second.restore(
                                    Channels.newChannel(new ByteArrayInputStream(saved, 0, saved.length - 1)),
                                    TEXT.length))
                            .isInstanceOf(EOFException.class);
                    assertThat(second.length()).isZero();
                    second.restore(Channels.newChannel(new ByteArrayInputStream(saved)), TEXT.length);
                    assertThat(extend(pass, second, ENDING)).as("%s", type).isEqualTo(expected);
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            }
        });
    }

    /** Where the second of three cannot grow, it and its neighbours hold what they held. */
    @Test
    void aRefusalChangesNothing() throws IOException {
        with("llama", pass -> {
            AtomicLong taken = new AtomicLong();
            AtomicLong most = new AtomicLong(Long.MAX_VALUE);
            pass.limit(new SequenceMemory() {
                @Override
                public void take(long bytes, int count) {
                    if (taken.get() + bytes > most.get()) {
                        throw new KvBudgetException("full", List.of(), bytes, count, most.get() - taken.get());
                    }
                    taken.addAndGet(bytes);
                }

                @Override
                public void giveBack(long bytes) {
                    taken.addAndGet(-bytes);
                }
            });
            try (Sequence first = pass.newSequence(CONTEXT, KvCacheType.F16);
                    Sequence second = pass.newSequence(CONTEXT, KvCacheType.F16)) {
                extend(pass, first, TEXT);
                second.share(first, TEXT.length);
                most.set(taken.get());
                assertThatThrownBy(() -> extend(pass, second, ENDING)).isInstanceOf(KvBudgetException.class);
                assertThatThrownBy(() -> second.reserve(CONTEXT)).isInstanceOf(KvBudgetException.class);
                assertThat(taken.get()).isEqualTo(pass.heldBytes()).isEqualTo(most.get());
                assertThat(second.length()).isEqualTo(TEXT.length);
                assertThat(extend(pass, first, Arrays.copyOf(ENDING, 5)))
                        .as("the neighbour has room in its last page")
                        .isEqualTo(alone(pass, taken, most, concat(TEXT, TEXT.length, Arrays.copyOf(ENDING, 5))));
                most.set(Long.MAX_VALUE);
                assertThat(extend(pass, second, ENDING))
                        .isEqualTo(alone(pass, KvCacheType.F16, concat(TEXT, TEXT.length, ENDING)));
            }
            assertThat(taken.get()).isZero();
        });
    }

    private static float[] alone(ForwardPass pass, AtomicLong taken, AtomicLong most, int[] tokens) {
        long before = most.getAndSet(Long.MAX_VALUE);
        try {
            return alone(pass, KvCacheType.F16, tokens);
        } finally {
            assertThat(taken.get()).isEqualTo(before);
            most.set(before);
        }
    }
}
