package dev.nibble.cli.models;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What whoever packaged a model wants of those who run it, beside the file: Ollama keeps such things in its manifests.
 *
 * @param system the system message of chats, or null
 * @param opening what chats begin with
 * @param parameters sampling, stop strings and context by Ollama's names, as {@code temperature}; values are numbers,
 *     strings, booleans or lists
 * @param template whether there is a chat template that is not the file's; it is not one that can be used here
 * @param unused what else there is, by kind
 */
public record ModelDefaults(
        @Nullable String system,
        List<Turn> opening,
        Map<String, Object> parameters,
        boolean template,
        List<String> unused) {

    /** Nothing. */
    public static final ModelDefaults NONE = new ModelDefaults(null, List.of(), Map.of(), false, List.of());

    public ModelDefaults {
        opening = List.copyOf(opening);
        parameters = Map.copyOf(parameters);
        unused = List.copyOf(unused);
    }

    /**
     * A message of the opening.
     *
     * @param role {@code system}, {@code user} or {@code assistant}
     * @param content the text
     */
    public record Turn(String role, String content) {}
}
