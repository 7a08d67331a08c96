package dev.nibble.testdata;

import static dev.nibble.testdata.Evaluation.argmax;
import static dev.nibble.testdata.Evaluation.nmse;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ContextOverflowException;
import dev.nibble.DraftModelException;
import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.Session;
import dev.nibble.SessionFileException;
import dev.nibble.SessionOptions;
import dev.nibble.Speculation;
import dev.nibble.TokenStream;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.ChatMessage;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Model.Pooling;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sessions of a model with an encoder: a prompt is read, and answered from the decoder's first token on. */
class EncoderDecoderTest {
    private static final String PROMPT = "translate to noise: the cat sat on the mat and looked at a bird";

    @TempDir
    Path folder;

    private Path file;
    private LanguageModel model;

    @BeforeEach
    void load() throws IOException {
        file = folder.resolve("t5.gguf");
        TinyEncoders.write("t5", 1, file);
        model = LanguageModel.load(file, LoadOptions.EXACT);
    }

    @AfterEach
    void close() {
        model.close();
    }

    private static GenerationOptions greedy(int tokens) {
        return GenerationOptions.GREEDY.withMaxTokens(tokens).withIgnoreEndOfGeneration(true);
    }

    private int start() {
        return model.decoderStartToken().orElseThrow();
    }

    /** The answer to a source, token by token and below the loop that generates. */
    private List<Integer> answer(int[] source, int count) {
        List<Integer> answer = new ArrayList<>();
        try (Session session = model.newSession()) {
            session.encode(source);
            for (int token = start(); answer.size() < count; ) {
                float[] logits = session.evaluate(new int[] {token}, false);
                token = argmax(logits, 0, logits.length);
                answer.add(token);
            }
        }
        return answer;
    }

    private static List<Integer> tokens(Generation generation) {
        return IntStream.of(generation.tokens()).boxed().toList();
    }

    @Test
    void aPromptIsReadAndAnswered() {
        int[] source = model.tokenizer().encode(PROMPT, Tokenizer.Options.PROMPT);
        assertThat(source[source.length - 1]).isEqualTo(ByteVocabulary.END_OF_TURN);
        try (Session session = model.newSession()) {
            Generation generation = session.generate(PROMPT, greedy(12));
            assertThat(tokens(generation)).isEqualTo(answer(source, 12));
            assertThat(generation.stats().promptTokens()).isEqualTo(source.length);
            assertThat(session.source()).isEqualTo(source);
            assertThat(session.tokens()[0]).isEqualTo(start());
            assertThat(session.length()).isEqualTo(13);
            assertThat(tokens(session.stream(new int[] {40, 41, 42}, greedy(5)).result()))
                    .as("of tokens, to which nothing is added")
                    .isEqualTo(answer(new int[] {40, 41, 42}, 5));
            assertThat(model.stats().promptTokens()).isGreaterThanOrEqualTo(2 * source.length);
        }
    }

    @Test
    void theAnswerDependsOnAllOfTheSource() {
        int[] source = IntStream.range(0, 70).map(i -> 33 + i).toArray();
        try (Session session = model.newSession()) {
            session.encode(source);
            float[] logits = session.evaluate(new int[] {start(), 50}, true);
            for (int changed : new int[] {0, 35, 69}) {
                int[] other = source.clone();
                other[changed] = 120;
                session.encode(other);
                assertThat(nmse(session.evaluate(new int[] {start(), 50}, true), logits))
                        .as("another token " + changed)
                        .isGreaterThan(1e-6);
            }
        }
    }

    @Test
    void aPromptTakesThePlaceOfWhatWasThere() {
        try (Session session = model.newSession();
                Session fresh = model.newSession()) {
            Generation first = session.generate(PROMPT, greedy(6));
            Generation other = session.generate("another text", greedy(6));
            assertThat(tokens(other)).isEqualTo(tokens(fresh.generate("another text", greedy(6))));
            Generation again = session.generate("another text", greedy(6));
            assertThat(tokens(again)).isEqualTo(tokens(other));
            assertThat(again.stats().cachedTokens()).isEqualTo(again.stats().promptTokens());
            assertThat(tokens(session.generate(PROMPT, greedy(6)))).isEqualTo(tokens(first));
        }
    }

    @Test
    void anEmptyPromptGoesOnWithTheAnswer() {
        try (Session session = model.newSession()) {
            assertThatThrownBy(() -> session.stream("", greedy(1))).isInstanceOf(IllegalArgumentException.class);
            Generation whole = session.generate(PROMPT, greedy(10));
            session.truncate(5);
            assertThat(tokens(session.generate("", greedy(6))))
                    .isEqualTo(tokens(whole).subList(4, 10));
            session.truncate(0);
            assertThat(session.source()).isNotEmpty();
            assertThat(tokens(session.generate("", greedy(10)))).isEqualTo(tokens(whole));
            session.reset();
            assertThat(session.source()).isEmpty();
            assertThatThrownBy(() -> session.stream("", greedy(1))).isInstanceOf(IllegalArgumentException.class);
        }
    }

    @SuppressWarnings("try") // one is closed in the course of the test
    @Test
    void forksShareTheSource() {
        try (Session session = model.newSession()) {
            Generation whole = session.generate(PROMPT, greedy(10));
            long held = model.stats().kvBytes();
            Session fork = session.fork(4);
            Session second = fork.fork(1);
            assertThat(fork.source()).isEqualTo(session.source());
            assertThat(model.stats().kvBytes())
                    .as("nothing is copied before it is changed")
                    .isEqualTo(held);
            session.close();
            assertThat(tokens(fork.generate("", greedy(7))))
                    .isEqualTo(tokens(whole).subList(3, 10));
            fork.close();
            assertThat(tokens(second.generate("", greedy(10)))).isEqualTo(tokens(whole));
            second.close();
        }
        assertThat(model.stats().kvBytes()).isZero();
    }

    @Test
    void aForkOfWhatWasNotReadYetReadsIt() {
        try (Session session = model.newSession()) {
            session.encode(new int[] {60, 61, 62});
            try (Session fork = session.fork();
                    Session other = model.newSession()) {
                other.encode(new int[] {60, 61, 62});
                assertThat(fork.evaluate(new int[] {start()}, false))
                        .isEqualTo(other.evaluate(new int[] {start()}, false));
            }
        }
    }

    @Test
    void aSavedSessionGoesOn() throws IOException {
        Path saved = folder.resolve("session");
        int[] next = {70};
        try (Session session = model.newSession()) {
            session.generate(PROMPT, greedy(6));
            session.save(saved);
            float[] expected = session.evaluate(next, false);
            try (Session restored = model.restore(saved)) {
                assertThat(restored.source()).isEqualTo(session.source());
                assertThat(restored.evaluate(next, false)).isEqualTo(expected);
            }
            assertThatThrownBy(() -> model.restore(saved, SessionOptions.DEFAULT.withContextLength(8)))
                    .isInstanceOf(SessionFileException.class)
                    .hasMessageContaining("a source of");
            session.encode(new int[] {60, 61, 62});
            session.save(saved);
            expected = session.evaluate(new int[] {start()}, false);
            try (Session restored = model.restore(saved)) {
                assertThat(restored.evaluate(new int[] {start()}, false)).isEqualTo(expected);
            }
        }
    }

    @Test
    void sessionsAreEvaluatedTogether() throws Exception {
        List<String> prompts = List.of("one", "a second text", PROMPT, "and " + PROMPT.repeat(2));
        List<List<Integer>> alone = new ArrayList<>();
        for (String prompt : prompts) {
            alone.add(answer(model.tokenizer().encode(prompt, Tokenizer.Options.PROMPT), 40));
        }
        ExecutorService threads = Executors.newFixedThreadPool(prompts.size());
        try {
            List<Future<List<Integer>>> together = new ArrayList<>();
            for (String prompt : prompts) {
                together.add(threads.submit(() -> {
                    try (Session session = model.newSession()) {
                        return tokens(session.generate(prompt, greedy(40)));
                    }
                }));
            }
            for (int i = 0; i < prompts.size(); i++) {
                assertThat(together.get(i).get(2, TimeUnit.MINUTES)).isEqualTo(alone.get(i));
            }
        } finally {
            threads.shutdownNow();
        }
    }

    @Test
    void conversationsAreRenderedIfThereIsATemplate() throws IOException {
        try (Session session = model.newSession()) {
            List<ChatMessage> messages = List.of(ChatMessage.user("Hi"));
            Generation generation = session.chat(messages, greedy(4)).result();
            assertThat(session.source()).isEqualTo(model.chatTokens(messages, dev.nibble.ChatOptions.DEFAULT));
            assertThat(generation.tokens()).hasSize(4);
            assertThatThrownBy(() -> session.infill("a", "b", greedy(1))).isInstanceOf(UnsupportedModelException.class);
        }
        Path without = changed(m -> m.remove("tokenizer.chat_template"));
        try (LanguageModel other = LanguageModel.load(without, LoadOptions.EXACT);
                Session session = other.newSession()) {
            assertThatThrownBy(() -> session.chat(List.of(ChatMessage.user("Hi")), greedy(1)))
                    .isInstanceOf(UnsupportedModelException.class)
                    .hasMessageContaining("chat template");
        }
    }

    @Test
    void whatCannotBeIsRefusedByName() throws IOException {
        try (Session session = model.newSession(SessionOptions.DEFAULT.withContextLength(20))) {
            assertThatThrownBy(() -> session.evaluate(new int[] {start()}, false))
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("call encode");
            assertThatThrownBy(() -> session.score(new int[] {start()})).isInstanceOf(IllegalStateException.class);
            Generation before = session.generate("hi", greedy(3));
            assertThatThrownBy(() -> session.stream(PROMPT, greedy(1))).isInstanceOf(ContextOverflowException.class);
            assertThatThrownBy(() -> session.encode(new int[21])).isInstanceOf(ContextOverflowException.class);
            assertThatThrownBy(() -> session.encode(new int[] {288})).isInstanceOf(IllegalArgumentException.class);
            assertThatThrownBy(() -> session.encode(new int[0])).isInstanceOf(IllegalArgumentException.class);
            session.truncate(1);
            assertThat(tokens(session.generate("", greedy(3))))
                    .as("it is unchanged")
                    .isEqualTo(tokens(before));
        }
        Path llama = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, llama);
        try (LanguageModel decoder = LanguageModel.load(llama, LoadOptions.EXACT);
                Session session = decoder.newSession()) {
            assertThat(decoder.decoderStartToken()).isEmpty();
            assertThat(session.source()).isEmpty();
            assertThatThrownBy(() -> session.encode(new int[] {1}))
                    .isInstanceOf(UnsupportedOperationException.class)
                    .hasMessageContaining("no encoder");
        }
        assertThatThrownBy(() -> LanguageModel.load(changed(m -> m.set("t5.decoder_start_token_id", 288))))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("t5.decoder_start_token_id");
        assertThatThrownBy(() -> LanguageModel.load(changed(m -> m.set("t5.decoder_block_count", 3))))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("t5.decoder_block_count");
    }

    /** Guesses from the answer itself change nothing of it; a draft model that does not read the source has none. */
    @Test
    void theAnswerCanBeGuessedFromItself() throws IOException {
        Path llama = folder.resolve("llama.gguf");
        TinyModels.write("llama", 1, llama);
        try (LanguageModel decoder = LanguageModel.load(llama, LoadOptions.EXACT);
                Session session = model.newSession();
                Session other = decoder.newSession()) {
            List<Integer> expected = tokens(session.generate(PROMPT, greedy(60)));
            assertThat(tokens(session.generate(PROMPT, greedy(60).withSpeculation(Speculation.lookup()))))
                    .isEqualTo(expected);
            assertThatThrownBy(() -> session.generate(PROMPT, greedy(4).withSpeculation(Speculation.draft(decoder))))
                    .isInstanceOf(DraftModelException.class)
                    .hasMessageContaining("encoder");
            assertThatThrownBy(() -> other.generate("a", greedy(4).withSpeculation(Speculation.draft(model))))
                    .isInstanceOf(DraftModelException.class)
                    .hasMessageContaining("encoder");
        }
    }

    private Path changed(java.util.function.Consumer<HostileModel> change) throws IOException {
        Path other = folder.resolve("changed.gguf");
        try (GgufFile base = GgufFile.open(file)) {
            HostileModel hostile = new HostileModel(base);
            change.accept(hostile);
            hostile.write(other);
        }
        return other;
    }

    /** 16-bit keys and values: of two layers of the encoder, two of the decoder, and two that read the source. */
    @Test
    void thePlanCountsTheSourceAndItsReading() throws IOException {
        long layers = 2L * 64 * 32 * 2 * 2; // of 64 positions, 32 elements of keys and of values
        try (LanguageModel half = LanguageModel.load(file);
                Session session = half.newSession()) {
            assertThat(half.memoryPlan(64).kvCache()).isEqualTo(3 * layers);
            int[] source = IntStream.range(0, 64).map(i -> 40 + i).toArray();
            session.encode(source);
            assertThat(half.stats().kvBytes()).as("nothing is read yet").isZero();
            session.evaluate(new int[] {start()}, false);
            assertThat(half.stats().kvBytes())
                    .as("the source, and a page of the answer")
                    .isBetween(layers, half.memoryPlan(64).kvCache());
            session.reset();
            assertThat(half.stats().kvBytes()).isZero();
        }
    }

    @Test
    void aCancelledReadingLeavesNothing() throws IOException {
        try (Backend backend = Evaluation.openBackend();
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source);
                Sequence sequence = pass.newSequence(64, KvCacheType.F32)) {
            assertThatThrownBy(() -> pass.encode(sequence, new int[] {1, 2, 3}, () -> true))
                    .isInstanceOf(CancellationException.class);
            assertThatThrownBy(() -> pass.encode(sequence, new int[] {1, 999}, () -> false))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("999");
            assertThat(sequence.sourceLength()).isZero();
            assertThat(pass.heldBytes()).isZero();
            Batch batch = new Batch(1);
            batch.add(sequence, 1, true);
            assertThatThrownBy(() -> pass.evaluate(batch, new float[pass.outputSize()], () -> false))
                    .isInstanceOf(IllegalArgumentException.class)
                    .hasMessageContaining("no source");
            pass.encode(sequence, new int[] {1, 2, 3}, () -> false);
            pass.evaluate(batch, new float[pass.outputSize()], () -> false);
            assertThat(sequence.sourceLength()).isEqualTo(3);
        }
    }

    @Test
    void aCancelledPromptIsForgotten() {
        try (Session session = model.newSession()) {
            try (TokenStream stream = session.stream(PROMPT, greedy(4))) {
                session.cancel();
                assertThat(stream.result().tokens()).isEmpty();
            }
            assertThat(session.source()).isEmpty();
            assertThat(session.length()).isZero();
            assertThat(session.generate(PROMPT, greedy(4)).tokens()).hasSize(4);
        }
    }

    @Test
    void adaptersCountInBothParts() throws IOException {
        Path adapter = folder.resolve("adapter.gguf");
        Path merged = folder.resolve("merged.gguf");
        try (GgufFile base = GgufFile.open(file)) {
            TinyAdapters.writer(
                            base, name -> name.matches("(enc|dec)\\.blk\\..*(_[qkvo]|ffn_\\w+[pne])\\.weight"), 4, 6, 1)
                    .write(adapter);
            try (GgufFile added = GgufFile.open(adapter)) {
                TinyAdapters.merge(base, added, 1, merged);
            }
        }
        int[] source = {60, 61, 62, 63, 64};
        float[] plain = logits(model, SessionOptions.DEFAULT, source);
        try (LanguageModel with = LanguageModel.load(file, LoadOptions.EXACT.withAdapter(adapter));
                LanguageModel of = LanguageModel.load(merged, LoadOptions.EXACT)) {
            float[] expected = logits(of, SessionOptions.DEFAULT, source);
            assertThat(nmse(plain, expected)).isGreaterThan(1e-3);
            assertThat(nmse(logits(with, SessionOptions.DEFAULT, source), expected))
                    .isLessThan(1e-10);
            assertThat(nmse(logits(with, SessionOptions.DEFAULT.withoutAdapters(), source), plain))
                    .isLessThan(1e-10);
        }
    }

    private static float[] logits(LanguageModel of, SessionOptions options, int[] source) {
        try (Session session = of.newSession(options)) {
            session.encode(source);
            return session.evaluate(new int[] {of.decoderStartToken().orElseThrow(), 70, 71}, true);
        }
    }

    @Test
    void itsEncoderEmbeds() throws IOException {
        EmbeddingOptions mean = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);
        try (EmbeddingModel encoder = EmbeddingModel.load(file, LoadOptions.EXACT, mean)) {
            assertThat(encoder.embed(PROMPT)).hasSize(encoder.dimensions());
            assertThat(nmse(encoder.embed("one"), encoder.embed("two"))).isGreaterThan(1e-4);
        }
    }
}
