package dev.nibble.cli;

import dev.nibble.ContextOverflowException;
import dev.nibble.FinishReason;
import dev.nibble.NibbleException;
import dev.nibble.chat.ToolCall;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** Reads what a person says, passes it on, prints the answers, and obeys the commands that begin with a slash. */
final class ChatLoop {
    static final List<String> COMMANDS =
            List.of("/help", "/clear", "/regen", "/system", "/set", "/stats", "/exit", "/bye", "/quit");

    private static final String HELP = """
            /help              this help
            /clear             forget the conversation
            /regen             answer the last message again
            /system [TEXT]     set the system message; without TEXT show it, with "" remove it
            /set [NAME VALUE]  change a setting (%s); without NAME show all
            /stats             speed of the last answer and how full the context is
            /exit              leave (also Ctrl-D, or Ctrl-C twice)
            A message over several lines: begin and end it with \""", or end lines with a backslash.
            Ctrl-C stops an answer.""".formatted(Settings.NAMES);

    private final Conversation conversation;
    private final LineSource lines;
    private final PromptLine promptLine;
    private final PrintStream out;
    private final PrintStream err;
    private boolean leaving;

    /** @param promptLine erased when an answer has ended; who hears of the prompt is in the conversation's options */
    ChatLoop(Conversation conversation, LineSource lines, PromptLine promptLine, PrintStream out, PrintStream err) {
        this.conversation = conversation;
        this.lines = lines;
        this.promptLine = promptLine;
        this.out = out;
        this.err = err;
    }

    /** A message, and whether it may be a command. */
    private record Message(String text, boolean mayBeCommand) {}

    /** Says {@code text}, which nobody typed, and prints the answer; fails as {@link #run}. */
    void say(String text) {
        if (lines.interactive()) {
            show("> " + text);
        }
        handle(new Message(text, false));
    }

    /**
     * Runs until the input ends or the person leaves.
     *
     * @throws dev.nibble.NibbleException if something fails and nobody sits there to see it and go on
     */
    void run() throws IOException {
        boolean interruptedBefore = false;
        while (!leaving) {
            try {
                Message message = message();
                if (message == null) {
                    return;
                }
                interruptedBefore = false;
                if (!message.text().isBlank()) {
                    lines.remember(message.text());
                    handle(message);
                }
            } catch (LineSource.InterruptedLineException e) {
                if (interruptedBefore) {
                    return;
                }
                interruptedBefore = true;
                show("Press Ctrl-C again to leave");
            }
        }
    }

    /** The next message: a line, or several joined by the rules in the help; null at the end of the input. */
    private @Nullable Message message() throws IOException, LineSource.InterruptedLineException {
        String line = lines.next("> ");
        if (line == null) {
            return null;
        }
        if (line.stripLeading().startsWith("\"\"\"")) {
            return new Message(quoted(line.stripLeading().substring(3)), false);
        }
        boolean single = !line.endsWith("\\") && !line.contains("\n");
        StringBuilder message = new StringBuilder();
        while (line != null && line.endsWith("\\")) {
            message.append(line, 0, line.length() - 1).append('\n');
            line = lines.next(". ");
        }
        return new Message(message.append(line == null ? "" : line).toString(), single);
    }

    private String quoted(String first) throws IOException, LineSource.InterruptedLineException {
        StringBuilder message = new StringBuilder();
        @Nullable String line = first;
        while (line != null) {
            if (line.stripTrailing().endsWith("\"\"\"")) {
                String text = line.stripTrailing();
                return message.append(text, 0, text.length() - 3).toString();
            }
            message.append(line).append('\n');
            line = lines.next(". ");
        }
        return message.toString();
    }

    private void handle(Message message) {
        try {
            if (message.mayBeCommand() && isCommand(message.text())) {
                command(message.text().strip());
            } else {
                answer(listener -> conversation.say(message.text(), listener));
            }
        } catch (NibbleException | IllegalArgumentException | IllegalStateException e) {
            if (!lines.interactive()) {
                throw e;
            }
            show(ErrorMessages.of(e) + (e instanceof ContextOverflowException ? " (--ctx)" : ""));
        }
    }

    /** A person mistypes commands; a line of a pipe that begins with a slash may be text, as a path is. */
    private boolean isCommand(String text) {
        return text.startsWith("/") && (lines.interactive() || COMMANDS.contains(commandName(text.strip())));
    }

    private static String commandName(String line) {
        return line.split("\\s+", 2)[0].toLowerCase(Locale.ROOT);
    }

    /** A line for the person, broken where the terminal ends. */
    private void show(String line) {
        err.println(WordWrap.lines(line, lines.width()));
        err.flush();
    }

    private void command(String line) {
        String[] words = line.split("\\s+", 2);
        String rest = words.length > 1 ? words[1].strip() : "";
        switch (commandName(line)) {
            case "/help", "/?" -> show(HELP);
            case "/clear" -> {
                conversation.clear();
                show("The conversation is forgotten");
            }
            case "/regen" -> answer(conversation::regenerate);
            case "/system" -> system(rest);
            case "/set" -> set(rest);
            case "/stats" -> stats();
            case "/exit", "/bye", "/quit" -> leaving = true;
            default -> show("No command " + words[0] + "; /help lists them");
        }
    }

    private void system(String text) {
        if (!text.isEmpty()) {
            conversation.setSystem(text.equals("\"\"") ? null : text);
        }
        show(conversation.system() == null ? "No system message" : "System: " + conversation.system());
    }

    private void set(String rest) {
        if (!rest.isEmpty()) {
            String[] words = rest.split("[\\s=]+", 2);
            if (words.length < 2) {
                throw new IllegalArgumentException("/set takes a name and a value, as /set temp 0.2");
            }
            conversation.setOptions(Settings.with(conversation.options(), words[0], words[1]));
        }
        show(Settings.describe(conversation.options()));
    }

    private void stats() {
        conversation
                .last()
                .ifPresentOrElse(
                        last -> show(ModelCommand.describe(last.stats()) + "; context: " + conversation.tokens()
                                + " of " + conversation.contextLength() + " tokens"),
                        () -> show("No answer yet"));
    }

    /** Something that makes the model speak. */
    @FunctionalInterface
    private interface Speech {
        FinishReason to(Conversation.Listener listener);
    }

    private void answer(Speech speech) {
        WordWrap screen = new WordWrap(out, lines::width);
        lines.whileInterruptible(conversation::cancel, () -> {
            FinishReason reason;
            try {
                reason = speech.to(new Conversation.Listener() {
                    private boolean begun;

                    @Override
                    public void heard(String piece) {
                        begun = true;
                        screen.print(piece);
                    }

                    @Override
                    public void called(ToolCall call) {
                        screen.end();
                        out.print((begun ? "\n" : "") + ToolsFile.line(call));
                        begun = true;
                    }

                    @Override
                    public void forgotten(int messages) {
                        show("(the context is full: the oldest " + messages + " messages are left out)");
                    }
                });
            } finally {
                promptLine.erase();
            }
            screen.end();
            out.println();
            out.flush();
            ended(reason);
            if (!lines.interactive()) {
                conversation.last().ifPresent(last -> ConstraintOptions.requireComplete(conversation.options(), last));
            }
        });
    }

    /** Says of an answer that is cut that it is. */
    private void ended(FinishReason reason) {
        switch (reason) {
            case CANCELLED -> show("(stopped)");
            case CONTEXT_FULL ->
                show("(cut off: the context of " + conversation.contextLength()
                        + " tokens is full; --ctx makes it larger, /clear begins anew)");
            case MAX_TOKENS -> {
                if (lines.interactive()) { // a pipe has its limit from the command line
                    show("(cut off after " + conversation.options().maxTokens().orElse(0)
                            + " tokens; /set max-tokens changes that)");
                }
            }
            case STOP_TOKEN, STOP_STRING -> {}
        }
    }
}
