package dev.nibble.examples;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.chat.ChatMessage;
import dev.nibble.constraint.Description;
import dev.nibble.constraint.Size;
import dev.nibble.constraint.TypeMapping;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Path;
import java.time.LocalDate;
import java.util.List;
import java.util.Optional;

/** Reads an order out of a letter, as a record with records in it. */
public final class Extraction {
    /** What somebody orders. */
    public record Order(
            @Size(max = 40) String customer,
            LocalDate deliveryDate,
            @Size(min = 1, max = 4) List<Item> items,
            @Size(max = 60) Optional<String> note) {}

    /** One kind of goods. */
    public record Item(
            @Size(max = 30) String name,
            byte count,
            @Description("for each, in euros") BigDecimal price) {}

    private Extraction() {}

    /** The order in a letter. */
    public static Order order(Session session, String letter) {
        String system = "Extract the order from the letter as JSON of this schema: "
                + TypeMapping.of(Order.class).schema();
        return session.answer(
                List.of(ChatMessage.system(system), ChatMessage.user(letter)),
                ChatOptions.DEFAULT.withGeneration(GenerationOptions.GREEDY),
                Order.class);
    }

    /** Takes a model file and a letter. */
    public static void main(String... arguments) throws IOException {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]));
                Session session = model.newSession()) {
            System.out.println(order(session, arguments[1]));
        }
    }
}
