package dev.nibble.server.work;

import dev.nibble.GenerationOptions;
import java.time.Duration;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * What a request comes to, whatever its dialect.
 *
 * @param prompt what is continued
 * @param generation how, as far as the request says; the model's entry says the rest
 * @param count answers that are made
 * @param context tokens of prompt and answer that were asked for, if they were
 * @param mostTime how long an answer may take, null for any time
 */
public record Task(
        Prompt prompt,
        GenerationOptions generation,
        int count,
        OptionalInt context,
        @Nullable Duration mostTime) {
    /** One answer. */
    public static Task of(Prompt prompt, GenerationOptions generation) {
        return new Task(prompt, generation, 1, OptionalInt.empty(), null);
    }

    /** The same with so many answers. */
    public Task withCount(int value) {
        return new Task(prompt, generation, value, context, mostTime);
    }

    /** The same in a context of so many tokens. */
    public Task withContext(OptionalInt value) {
        return new Task(prompt, generation, count, value, mostTime);
    }

    /** The same with an answer that ends after a time. */
    public Task withMostTime(@Nullable Duration value) {
        return new Task(prompt, generation, count, context, value);
    }
}
