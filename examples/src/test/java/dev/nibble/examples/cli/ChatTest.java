package dev.nibble.examples.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.testdata.TinyModels;
import java.io.ByteArrayOutputStream;
import java.io.FilterOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTest {
    private static final String CTRL_C = "^C";

    @TempDir
    static Path folder;

    private static Path model = Path.of("");

    private final ByteArrayOutputStream out = new ByteArrayOutputStream();
    private final ByteArrayOutputStream err = new ByteArrayOutputStream();
    private final Deque<String> typed = new ArrayDeque<>();

    @BeforeAll
    static void writeModel() throws IOException {
        model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
    }

    @Test
    void answersEachLineOfPipedInput() {
        CommandRunner.Result result = new CommandRunner(folder)
                .runWithInput("hi\n\nho\n", "chat", "-m", model.toString(), "--temp", "0", "-n", "4");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).isEmpty();
        assertThat(result.out()).isNotBlank();
    }

    @Test
    void ctrlCAtThePromptHasToBePressedTwice() throws IOException {
        chat(CTRL_C, "/stats", CTRL_C, CTRL_C, "/help");
        assertThat(text(err)).contains("Press Ctrl-C again to leave").contains("No answer yet");
        assertThat(text(err)).doesNotContain("/clear ");
    }

    @Test
    void ctrlCStopsTheAnswerAndNotTheProgram() throws IOException {
        // The line source presses Ctrl-C as soon as the answer begins.
        chat(true, "tell me", "/stats", "/exit");
        assertThat(text(err)).contains("(stopped)").contains("context: ");
    }

    @Test
    void regenerateGivesTheSameAnswerWhenGreedy() throws IOException {
        chat("hello", "/regen");
        String[] answers = text(out).split(System.lineSeparator(), -1);
        assertThat(text(out)).isNotBlank();
        assertThat(answers[0]).isEqualTo(answers[answers.length / 2]);
    }

    @Test
    void joinsSeveralLinesToOneMessage() throws IOException {
        Outcome first = chat("one \\", "two");
        Outcome second = chat("\"\"\"one ", "two\"\"\"");
        Outcome third = chat("one ", "two");
        assertThat(first.tokens()).isEqualTo(second.tokens()).isLessThan(third.tokens());
    }

    @Test
    void settingsCanBeChangedAndShown() throws IOException {
        Conversation conversation = chat(
                        "/set temp 0.25", "/set top_k=7", "/set nonsense 1", "/set temp x", "/set temp")
                .conversation();
        assertThat(conversation.options().temperature()).isEqualTo(0.25f);
        assertThat(conversation.options().topK()).isEqualTo(7);
        assertThat(text(err))
                .contains("no setting 'nonsense'")
                .contains("temp must be a number, not 'x'")
                .contains("/set takes a name and a value");
    }

    @Test
    void theSystemMessageCanBeSetShownAndRemoved() throws IOException {
        assertThat(chat("/system Be brief", "/system").conversation().system()).isEqualTo("Be brief");
        assertThat(text(err)).contains("System: Be brief");
        assertThat(chat("/system Be brief", "/system \"\"").conversation().system())
                .isNull();
    }

    @Test
    void clearForgetsTheConversation() throws IOException {
        assertThat(chat("hello").tokens()).isPositive();
        Outcome cleared = chat("hello", "/clear", "/regen");
        assertThat(cleared.tokens()).isZero();
        assertThat(text(err)).contains("there is no answer to give again");
    }

    @Test
    void aMessageThatDoesNotFitIsRefusedAndTheChatGoesOn() throws IOException {
        Outcome outcome = chat("x".repeat(3000), "hello");
        assertThat(text(err)).contains("tokens, but only");
        assertThat(outcome.conversation().last()).isPresent();
    }

    @Test
    void unknownCommandsAreNotSaid() throws IOException {
        assertThat(chat("/frob").conversation().last()).isEmpty();
        assertThat(text(err)).contains("No command /frob; /help lists them");
    }

    /** A chat that is over: how it stood when its session was still open. */
    private record Outcome(Conversation conversation, int tokens) {}

    private Outcome chat(String... lines) throws IOException {
        return chat(false, lines);
    }

    private Outcome chat(boolean interrupting, String... lines) throws IOException {
        typed.addAll(List.of(lines));
        GenerationOptions options =
                GenerationOptions.GREEDY.withMaxTokens(interrupting ? 150 : 6).withIgnoreEndOfGeneration(true);
        try (LanguageModel loaded = LanguageModel.load(model, LoadOptions.DEFAULT.withThreads(1));
                Session session = loaded.newSession()) {
            Conversation conversation = new Conversation(session, options, null);
            Typist typist = new Typist();
            OutputStream screen = interrupting ? typist.interruptingWhenWritten(out) : out;
            new ChatLoop(conversation, typist, stream(screen), stream(err)).run();
            return new Outcome(conversation, conversation.tokens());
        }
    }

    /** Types the lines, and Ctrl-C where a line says so. */
    private final class Typist implements LineSource {
        private Runnable ctrlC = () -> {};

        @Override
        public @Nullable String next(String prompt) throws InterruptedLineException {
            String line = typed.poll();
            if (CTRL_C.equals(line)) {
                throw new InterruptedLineException();
            }
            return line;
        }

        @Override
        public void whileInterruptible(Runnable onInterrupt, Runnable work) {
            ctrlC = onInterrupt;
            work.run();
            ctrlC = () -> {};
        }

        /** Passes on to {@code screen}, and presses Ctrl-C as soon as something appears. */
        OutputStream interruptingWhenWritten(OutputStream screen) {
            return new FilterOutputStream(screen) {
                @Override
                public void write(int value) throws IOException {
                    super.write(value);
                    ctrlC.run();
                }
            };
        }

        @Override
        public void close() {}
    }

    private static PrintStream stream(OutputStream bytes) {
        return new PrintStream(bytes, true, StandardCharsets.UTF_8);
    }

    private static String text(ByteArrayOutputStream bytes) {
        return bytes.toString(StandardCharsets.UTF_8);
    }
}
