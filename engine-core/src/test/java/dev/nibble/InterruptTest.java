package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.chat.ChatMessage;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** An interrupt of the thread that calls is a cancellation; the thread stays interrupted, the session can be used on. */
@Timeout(60)
class InterruptTest {
    private static final GenerationOptions GREEDY = GenerationOptions.GREEDY;
    private static final String CHATML =
            "{% for m in messages %}<|{{ m.role }}|>{{ m.content }}{% endfor %}<|assistant|>";

    private final FakeModel fake = new FakeModel();
    private int evaluations;

    @AfterEach
    void clear() {
        Thread.interrupted();
    }

    private void interruptInEvaluation(int number) {
        fake.pass.duringEvaluation = () -> {
            if (++evaluations == number) {
                Thread.currentThread().interrupt();
            }
        };
    }

    @Test
    void anInterruptEndsAGenerationWithinAToken() {
        interruptInEvaluation(5);
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            Generation generation = session.generate("abc", GREEDY);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(generation.finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(generation.tokens()).hasSize(4);

            List<Integer> rest = session.generate("", GREEDY.withMaxTokens(3)).tokens();
            session.reset();
            assertThat(session.generate("abc", GREEDY.withMaxTokens(7)).tokens().subList(4, 7))
                    .isEqualTo(rest);
        }
    }

    @Test
    void anInterruptEndsThePromptOfAChat() {
        fake.metadata.put("tokenizer.chat_template", CHATML);
        interruptInEvaluation(3);
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            TokenStream stream = session.chat(List.of(ChatMessage.user("x".repeat(100))), GREEDY);
            assertThat(stream.hasNext()).isFalse();
            assertThat(stream.result().finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(session.length()).isEqualTo(2 * FakeForwardPass.MAX_BATCH_ROWS);
        }
    }

    @Test
    void anInterruptedThreadGeneratesNothing() {
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            Thread.currentThread().interrupt();
            assertThat(session.generate("abc", GREEDY).finishReason()).isEqualTo(FinishReason.CANCELLED);
            assertThatThrownBy(() -> session.evaluate(new int[] {1}, false)).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(fake.pass.evaluatedRows).hasValue(0);
            assertThat(session.length()).isZero();
        }
    }

    @Test
    void anInterruptEndsALowLevelEvaluationAndKeepsWhatWasEvaluated() {
        interruptInEvaluation(3);
        try (LanguageModel model = fake.open();
                Session session = model.newSession()) {
            int[] tokens = new int[50];
            assertThatThrownBy(() -> session.evaluate(tokens, false)).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
            int kept = 2 * FakeForwardPass.MAX_BATCH_ROWS;
            assertThat(session.length()).isEqualTo(kept);
            assertThat(session.evaluate(new int[tokens.length - kept], false))
                    .isEqualTo(model.newSession().evaluate(tokens, false));
        }
    }

    @Test
    void closingAnInterruptedThreadsModelStillWaits() throws Exception {
        LanguageModel model = fake.open();
        Thread.currentThread().interrupt();
        model.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(fake.closings).containsExactly("pass", "backend", "source");
    }

    /** How tasks are given up in practice. */
    private enum Ending {
        CANCEL,
        SHUTDOWN;

        void end(ExecutorService threads, Future<?> task) {
            switch (this) {
                case CANCEL -> task.cancel(true);
                case SHUTDOWN -> threads.shutdownNow();
            }
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void executorsEndTheirTasks(boolean virtual) throws Exception {
        for (Ending ending : Ending.values()) {
            FakeModel each = new FakeModel();
            each.contextLength = Integer.MAX_VALUE / 2;
            each.pass.bytesPerToken = 0;
            CountDownLatch generating = new CountDownLatch(3);
            each.pass.duringEvaluation = generating::countDown;
            AtomicReference<FinishReason> reason = new AtomicReference<>();
            try (LanguageModel model = each.open();
                    Session session = model.newSession()) {
                ExecutorService threads =
                        virtual ? Executors.newVirtualThreadPerTaskExecutor() : Executors.newSingleThreadExecutor();
                Future<?> task = threads.submit(
                        () -> reason.set(session.generate("abc", GREEDY).finishReason()));
                generating.await();
                ending.end(threads, task);
                threads.shutdown();
                assertThat(threads.awaitTermination(30, TimeUnit.SECONDS)).isTrue();
                assertThat(reason).hasValue(FinishReason.CANCELLED);
                session.reset();
                assertThat(session.generate("abc", GREEDY.withMaxTokens(2)).tokens())
                        .hasSize(2);
            }
        }
    }
}
