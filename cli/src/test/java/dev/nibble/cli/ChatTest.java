package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ChatOptions;
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
import java.util.ArrayList;
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
        assertThat(text(err)).contains("tokens, but the context holds only 256");
        assertThat(outcome.conversation().last()).isPresent();
    }

    @Test
    void theOldestMessagesAreLeftOutWhenTheContextIsFull() throws IOException {
        Outcome outcome = chat(
                "/system Be brief", "first " + "x".repeat(70), "second " + "x".repeat(70), "third " + "x".repeat(70));
        assertThat(text(err)).contains("(the context is full: the oldest 2 messages are left out)");
        assertThat(outcome.text()).contains("Be brief", "second", "third").doesNotContain("first");
        assertThat(outcome.conversation().last()).isPresent();
        assertThat(outcome.tokens()).isLessThanOrEqualTo(256);
    }

    /** A message that fits, but with nothing left for an answer, would be answered with a word. */
    @Test
    void thereIsRoomForAnAnswerAfterALongMessage() throws IOException {
        Outcome outcome = chat(true, "first " + "x".repeat(20), "second " + "x".repeat(100));
        assertThat(outcome.text()).contains("second");
        int free = 256 - outcome.tokens();
        assertThat(text(err)).doesNotContain("cut off: the context");
        assertThat(free).isPositive();
    }

    @Test
    void anAnswerThatIsCutIsMarked() throws IOException {
        chat("hello");
        assertThat(text(err)).contains("(cut off after 6 tokens; /set max-tokens changes that)");
        chat("/set max-tokens -1", "hello");
        assertThat(text(err)).contains("(cut off: the context of 256 tokens is full; --ctx makes it larger");
    }

    @Test
    void theHelpShowsHowToQuote() throws IOException {
        chat("/help");
        assertThat(text(err)).containsPattern("begin and end it with \"\"\",");
    }

    /** What a setting shows can be typed. */
    @Test
    void settingsGoBackToWhatTheyWere() throws IOException {
        GenerationOptions changed =
                chat("/set seed 7", "/set max-tokens 3").conversation().options();
        assertThat(changed.seed()).hasValue(7);
        assertThat(changed.maxTokens()).hasValue(3);
        for (String unlimited : List.of("-1", "unlimited")) {
            GenerationOptions back = chat("/set seed 7", "/set seed random", "/set max-tokens " + unlimited)
                    .conversation()
                    .options();
            assertThat(back.seed()).isEmpty();
            assertThat(back.maxTokens()).hasValue(Integer.MAX_VALUE);
            assertThat(Settings.describe(back)).contains("seed random", "max-tokens unlimited");
        }
        chat("/set max-tokens -2");
        assertThat(text(err)).contains("max-tokens must be 0 or more, or -1 for as many as the context holds, not -2");
    }

    /** Each name listed is one, and takes the value that is shown for it. */
    @Test
    void allSettingsAreShownAndTakeWhatIsShown() {
        String shown = Settings.describe(GenerationOptions.DEFAULT);
        assertThat(shown.split(", ")).hasSameSizeAs(Settings.NAMES.split(", "));
        GenerationOptions options = GenerationOptions.GREEDY;
        for (String setting : shown.split(", ")) {
            String[] words = setting.split(" ");
            assertThat(Settings.NAMES.split(", ")).contains(words[0]);
            options = Settings.with(options, words[0], words[1]);
        }
        assertThat(Settings.describe(options)).isEqualTo(shown);
    }

    @Test
    void aMessageOverSeveralLinesIsRememberedWhole() throws IOException {
        List<String> remembered =
                chat("one \\", "two", "\"\"\"/three", "four\"\"\"", "/stats").remembered();
        assertThat(remembered).containsExactly("one \ntwo", "/three\nfour", "/stats");
        assertThat(text(err)).doesNotContain("No command");
    }

    @Test
    void aPipedLineIsACommandOnlyIfThereIsOne() {
        CommandRunner.Result result = piped("/usr/bin is a folder\n/stats\n/exit\nnever said\n");
        assertThat(result.code()).as(result.err()).isZero();
        assertThat(result.err()).containsOnlyOnce("prompt: ").doesNotContain("No command");
        assertThat(result.out().lines()).isNotEmpty();
    }

    @Test
    void aPipedMessageThatFailsEndsTheProgram() {
        CommandRunner.Result result = piped("x".repeat(3000) + "\nhello\n");
        assertThat(result.code()).isEqualTo(1);
        assertThat(result.errLines())
                .singleElement()
                .asString()
                .startsWith("nibble: ")
                .contains("the context holds only 256");
        assertThat(result.out()).isEmpty();
        assertThat(piped("/set nonsense 1\nhello\n").code()).isEqualTo(1);
    }

    @Test
    void aByteOrderMarkIsNoPartOfTheFirstPipedMessage() {
        assertThat(piped("\ufeffhello\n").out()).isEqualTo(piped("hello\n").out());
        assertThat(piped("\ufeff/exit\nhello\n").out()).isEmpty();
    }

    @Test
    void theFirstMessageCanBeGivenOnTheCommandLine() {
        String expected = piped("hello\n").out();
        String[] options = {"--temp", "0", "-n", "4"};
        for (List<String> command : List.of(
                List.of("chat", model.toString(), "hello"),
                List.of("chat", "-m", model.toString(), "-p", "hello"),
                List.of("chat", "-m", model.toString(), "hello"))) {
            List<String> all = new ArrayList<>(command);
            all.addAll(List.of(options));
            assertThat(new CommandRunner(folder).run(all.toArray(String[]::new)).out())
                    .isEqualTo(expected);
        }
    }

    private static CommandRunner.Result piped(String input) {
        return new CommandRunner(folder).runWithInput(input, "chat", "-m", model.toString(), "--temp", "0", "-n", "4");
    }

    @Test
    void unknownCommandsAreNotSaid() throws IOException {
        assertThat(chat("/frob").conversation().last()).isEmpty();
        assertThat(text(err)).contains("No command /frob; /help lists them");
    }

    /** A chat that is over: how it stood when its session was still open. */
    private record Outcome(Conversation conversation, int tokens, String text, List<String> remembered) {}

    private Outcome chat(String... lines) throws IOException {
        return chat(false, lines);
    }

    private Outcome chat(boolean interrupting, String... lines) throws IOException {
        typed.addAll(List.of(lines));
        GenerationOptions options =
                GenerationOptions.GREEDY.withMaxTokens(interrupting ? 150 : 6).withIgnoreEndOfGeneration(true);
        try (LanguageModel loaded = LanguageModel.load(model, LoadOptions.DEFAULT.withThreads(1));
                Session session = loaded.newSession()) {
            Conversation conversation = new Conversation(session, ChatOptions.DEFAULT.withGeneration(options), null);
            Typist typist = new Typist();
            OutputStream screen = interrupting ? typist.interruptingWhenWritten(out) : out;
            PrintStream errors = stream(err);
            new ChatLoop(conversation, typist, new PromptLine(errors, false), stream(screen), errors).run();
            return new Outcome(
                    conversation,
                    conversation.tokens(),
                    loaded.tokenizer().decode(session.tokens()),
                    typist.remembered);
        }
    }

    /** Types the lines, and Ctrl-C where a line says so. */
    private final class Typist implements LineSource {
        private final List<String> remembered = new ArrayList<>();
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
        public boolean interactive() {
            return true;
        }

        @Override
        public int width() {
            return 0;
        }

        @Override
        public void remember(String message) {
            remembered.add(message);
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
