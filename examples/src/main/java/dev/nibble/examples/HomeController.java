package dev.nibble.examples;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.chat.ChatMessage;
import dev.nibble.constraint.Description;
import dev.nibble.constraint.Range;
import dev.nibble.constraint.TypeMapping;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;

/** Turns wishes into commands for eight devices: whatever the model is like, each is a valid one. */
public final class HomeController {
    /** What can be controlled. */
    public enum Device {
        KITCHEN_LAMP,
        HALL_LAMP,
        BEDROOM_LAMP,
        DESK_LAMP,
        HEATER,
        FAN,
        BLINDS,
        RADIO
    }

    /** What can be done. */
    public sealed interface Command permits Switch, Dim, Heat, Move, Play {}

    /** Turns a device on or off. */
    public record Switch(Device device, boolean on) implements Command {}

    /** Sets a lamp. */
    public record Dim(
            Device lamp,

            @Description("0 is off") @Range(min = 0, max = 100)
            int percent) implements Command {}

    /** Sets the heater. */
    public record Heat(@Range(min = 5, max = 28) int degrees) implements Command {}

    /** Moves the blinds. */
    public record Move(
            @Description("0 is open") @Range(min = 0, max = 100)
            int closed) implements Command {}

    /** Sets the radio. */
    public record Play(@Range(min = 1, max = 9) int station) implements Command {}

    private HomeController() {}

    /** The command that a wish stands for. */
    public static Command command(Session session, String wish) {
        String system = "Answer with one command for the smart home, as JSON of this schema: "
                + TypeMapping.of(Command.class).schema();
        return session.answer(
                List.of(ChatMessage.system(system), ChatMessage.user(wish)),
                ChatOptions.DEFAULT.withGeneration(GenerationOptions.GREEDY),
                Command.class);
    }

    /** Takes a model file and wishes. */
    public static void main(String... arguments) throws IOException {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]));
                Session session = model.newSession()) {
            for (int i = 1; i < arguments.length; i++) {
                System.out.println(arguments[i] + " -> " + command(session, arguments[i]));
            }
        }
    }
}
