package dev.nibble.examples.cli;

import dev.nibble.FinishReason;
import dev.nibble.NibbleException;
import java.io.IOException;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** Reads what a person says, passes it on, prints the answers, and obeys the commands that begin with a slash. */
final class ChatLoop {
    static final List<String> COMMANDS =
            List.of("/help", "/clear", "/regen", "/system", "/set", "/stats", "/exit", "/bye", "/quit");

    private static final String HELP = """
            /help            this help
            /clear           forget the conversation
            /regen           answer the last message again
            /system [TEXT]   set the system message; without TEXT show it, with "" remove it
            /set [NAME VALUE]  change a setting (%s); without NAME show all
            /stats           speed of the last answer and how full the context is
            /exit            leave (also Ctrl-D, or Ctrl-C twice)
            A message over several lines: begin and end it with \"""\", or end lines with a backslash.
            Ctrl-C stops an answer.""".formatted(Settings.NAMES);

    private final Conversation conversation;
    private final LineSource lines;
    private final PrintStream out;
    private final PrintStream err;
    private boolean leaving;

    ChatLoop(Conversation conversation, LineSource lines, PrintStream out, PrintStream err) {
        this.conversation = conversation;
        this.lines = lines;
        this.out = out;
        this.err = err;
    }

    /** Runs until the input ends or the person leaves. */
    void run() throws IOException {
        boolean interruptedBefore = false;
        while (!leaving) {
            try {
                String message = message();
                if (message == null) {
                    return;
                }
                interruptedBefore = false;
                handle(message);
            } catch (LineSource.InterruptedLineException e) {
                if (interruptedBefore) {
                    return;
                }
                interruptedBefore = true;
                err.println("Press Ctrl-C again to leave");
            }
        }
    }

    /** The next message: a line, or several joined by the rules in the help; null at the end of the input. */
    private @Nullable String message() throws IOException, LineSource.InterruptedLineException {
        String line = lines.next("> ");
        if (line == null) {
            return null;
        }
        if (line.stripLeading().startsWith("\"\"\"")) {
            return quoted(line.stripLeading().substring(3));
        }
        StringBuilder message = new StringBuilder();
        while (line != null && line.endsWith("\\")) {
            message.append(line, 0, line.length() - 1).append('\n');
            line = lines.next(". ");
        }
        return message.append(line == null ? "" : line).toString();
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

    private void handle(String message) {
        if (message.isBlank()) {
            return;
        }
        try {
            if (message.startsWith("/")) {
                command(message.strip());
            } else {
                answer(heard -> conversation.say(message, heard));
            }
        } catch (NibbleException | IllegalArgumentException | IllegalStateException e) {
            err.println(e.getMessage());
        }
    }

    private void command(String line) {
        String[] words = line.split("\\s+", 2);
        String rest = words.length > 1 ? words[1].strip() : "";
        switch (words[0].toLowerCase(Locale.ROOT)) {
            case "/help", "/?" -> err.println(HELP);
            case "/clear" -> {
                conversation.clear();
                err.println("The conversation is forgotten");
            }
            case "/regen" -> answer(conversation::regenerate);
            case "/system" -> system(rest);
            case "/set" -> set(rest);
            case "/stats" -> stats();
            case "/exit", "/bye", "/quit" -> leaving = true;
            default -> err.println("No command " + words[0] + "; /help lists them");
        }
    }

    private void system(String text) {
        if (!text.isEmpty()) {
            conversation.setSystem(text.equals("\"\"") ? null : text);
        }
        err.println(conversation.system() == null ? "No system message" : "System: " + conversation.system());
    }

    private void set(String rest) {
        if (!rest.isEmpty()) {
            String[] words = rest.split("[\\s=]+", 2);
            if (words.length < 2) {
                throw new IllegalArgumentException("/set takes a name and a value, as /set temp 0.2");
            }
            conversation.setOptions(Settings.with(conversation.options(), words[0], words[1]));
        }
        err.println(Settings.describe(conversation.options()));
    }

    private void stats() {
        conversation
                .last()
                .ifPresentOrElse(
                        last -> err.println(ModelCommand.describe(last.stats()) + "; context: " + conversation.tokens()
                                + " of " + conversation.contextLength() + " tokens"),
                        () -> err.println("No answer yet"));
    }

    /** Something that makes the model speak. */
    @FunctionalInterface
    private interface Speech {
        FinishReason to(Consumer<String> heard);
    }

    private void answer(Speech speech) {
        lines.whileInterruptible(conversation::cancel, () -> {
            FinishReason reason = speech.to(text -> {
                out.print(text);
                out.flush();
            });
            out.println();
            out.flush();
            if (reason == FinishReason.CANCELLED) {
                err.println("(stopped)");
            } else if (reason == FinishReason.CONTEXT_FULL) {
                err.println("(the context is full; /clear begins anew, --ctx makes it larger)");
            }
        });
    }
}
