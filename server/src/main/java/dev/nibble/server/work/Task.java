package dev.nibble.server.work;

import dev.nibble.GenerationOptions;
import dev.nibble.Priority;
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
 * @param priority beside others, while it waits and while it runs
 */
public record Task(
        Prompt prompt,
        GenerationOptions generation,
        int count,
        OptionalInt context,
        @Nullable Duration mostTime,
        Priority priority) {
    /** One answer. */
    public static Task of(Prompt prompt, GenerationOptions generation) {
        return new Task(prompt, generation, 1, OptionalInt.empty(), null, Priority.NORMAL);
    }

    /** The same with so many answers. */
    public Task withCount(int value) {
        return new Task(prompt, generation, value, context, mostTime, priority);
    }

    /** The same in a context of so many tokens. */
    public Task withContext(OptionalInt value) {
        return new Task(prompt, generation, count, value, mostTime, priority);
    }

    /** The same with an answer that ends after a time. */
    public Task withMostTime(@Nullable Duration value) {
        return new Task(prompt, generation, count, context, value, priority);
    }

    /** The same beside others. */
    public Task withPriority(Priority value) {
        return new Task(prompt, generation, count, context, mostTime, value);
    }
}
