package dev.nibble;

import java.util.List;

/**
 * A finished generation.
 *
 * @param text the text: the tokens' texts joined, without the stop string
 * @param tokens every token the model chose, in order; those that spell a stop string and the end-of-generation token
 *     are among them although the text leaves them out
 * @param finishReason why it ended
 * @param stats counts and times
 */
public record Generation(String text, List<Integer> tokens, FinishReason finishReason, GenerationStats stats) {

    public Generation {
        tokens = List.copyOf(tokens);
    }
}
