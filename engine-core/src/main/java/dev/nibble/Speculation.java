package dev.nibble;

import dev.nibble.generate.Drafter;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import org.jspecify.annotations.Nullable;

/**
 * How tokens are guessed before they are generated, to be evaluated several at a time: a pass over the weights for up to 17 tokens
 * costs less than one for each. Every token is chosen from the model's own scores, by the same rules and random numbers, so the text
 * is the one that comes without: bit for bit where the {@linkplain LanguageModel#kernels() kernels} are machine code without AMX, within
 * their rounding elsewhere, where nothing is guessed unless it is asked for.
 *
 * <p>How many tokens are guessed follows from how often guesses were right and from what a batch takes, as measured: none where
 * that does not pay. Where a model cannot go back to an earlier position, as with recurrent layers, nothing is guessed; {@link
 * GenerationStats#draftedTokens} is 0 then.
 *
 * <p>Immutable; a value of {@link GenerationOptions#withSpeculation}.
 */
public final class Speculation {
    private static final Speculation NONE = new Speculation("none", null, OptionalInt.empty());
    private static final Speculation LOOKUP = new Speculation("lookup", null, OptionalInt.empty());
    private static final Speculation PREDICTION = new Speculation("prediction", null, OptionalInt.empty());

    private final String name;
    private final @Nullable LanguageModel draftModel;
    private final OptionalInt tokens;

    private Speculation(String name, @Nullable LanguageModel draftModel, OptionalInt tokens) {
        this.name = name;
        this.draftModel = draftModel;
        this.tokens = tokens;
    }

    /** Nothing is guessed. */
    public static Speculation none() {
        return NONE;
    }

    /**
     * Guesses that the text goes on as it did where its last tokens stood before, in the prompt or in what was generated. It needs no
     * second model, and serves where much is repeated: editing, quoting, extracting, code.
     */
    public static Speculation lookup() {
        return LOOKUP;
    }

    /**
     * Lets a smaller model guess, which has the same vocabulary: each token that is generated with this costs some evaluations of it,
     * and those of the large model that guesses spare. It runs on the threads of its own {@link Engine}, best the same. Each session
     * that generates with this has one of the draft model too, which is closed with it.
     *
     * <p>A generation fails with a {@link DraftModelException} where the vocabulary is another, when it begins, and where the draft
     * model was closed. A draft model that cannot go back, or has no memory left, guesses nothing.
     *
     * @param model the caller's to close, after the sessions that use it
     */
    public static Speculation draft(LanguageModel model) {
        return new Speculation("draft", Objects.requireNonNull(model, "model"), OptionalInt.empty());
    }

    /**
     * Lets the model's own block for multi-token prediction guess, which the files of some models have: it costs a small part of an
     * evaluation for each guess. The first generation with it prepares the block, which then takes its part of the memory that the model
     * would take with one layer more; each session keeps the states of 512 tokens and up to 4096 tokens of that layer's KV cache beside.
     *
     * <p>A generation fails with an {@link UnsupportedModelException} where the file has no such block, or one that this version or the
     * backend cannot evaluate.
     */
    public static Speculation prediction() {
        return PREDICTION;
    }

    /** The model that guesses, if there is one. */
    public Optional<LanguageModel> draftModel() {
        return Optional.ofNullable(draftModel);
    }

    /** Whether tokens are looked up in the text. */
    public boolean isLookup() {
        return name.equals(LOOKUP.name);
    }

    /** Whether the model's own block for multi-token prediction guesses. */
    public boolean isPrediction() {
        return name.equals(PREDICTION.name);
    }

    /** How many tokens are guessed each time; empty for as many as pay. */
    public OptionalInt tokens() {
        return tokens;
    }

    /**
     * Guesses so many tokens each time there are any to guess, whether that pays or not: for measuring.
     *
     * @param value 1 to 16
     */
    public Speculation withTokens(int value) {
        if (value < 1 || value > Drafter.MOST) {
            throw new IllegalArgumentException(
                    "tokens of a speculation must be 1 to " + Drafter.MOST + ", not " + value);
        }
        return new Speculation(name, draftModel, OptionalInt.of(value));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof Speculation speculation
                && name.equals(speculation.name)
                && draftModel == speculation.draftModel
                && tokens.equals(speculation.tokens);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, System.identityHashCode(draftModel), tokens);
    }

    @Override
    public String toString() {
        return tokens.isPresent() ? name + " of " + tokens.getAsInt() : name;
    }
}
