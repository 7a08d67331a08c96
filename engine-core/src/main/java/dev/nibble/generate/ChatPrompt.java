package dev.nibble.generate;

import dev.nibble.GenerationOptions;
import dev.nibble.chat.AnswerParser;
import java.util.function.Supplier;

/** A conversation ready to be answered. */
public final class ChatPrompt {
    private final int[] tokens;
    private final GenerationOptions generation;
    private final Supplier<AnswerParser> parser;

    /**
     * A prompt.
     *
     * @param tokens up to where the answer begins; not copied
     * @param generation how the answer is generated, with a constraint of all of it
     * @param parser makes what takes the answer apart
     */
    ChatPrompt(int[] tokens, GenerationOptions generation, Supplier<AnswerParser> parser) {
        this.tokens = tokens;
        this.generation = generation;
        this.parser = parser;
    }

    /** The prompt, up to where the answer begins. Not to be changed. */
    public int[] tokens() {
        return tokens;
    }

    /** How the answer is generated; a constraint is that of the whole answer, reasoning and calls included. */
    public GenerationOptions generation() {
        return generation;
    }

    /** What takes the answer apart, anew each time. */
    public AnswerParser parser() {
        return parser.get();
    }
}
