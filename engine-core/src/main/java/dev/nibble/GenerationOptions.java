package dev.nibble;

import static dev.nibble.OptionValues.atLeast;

import dev.nibble.OptionValues.Option;
import dev.nibble.constraint.Constraint;
import dev.nibble.sampling.LogitsProcessor;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * How to generate. Immutable; start from {@link #DEFAULT} or {@link #GREEDY} and set what differs.
 *
 * <p>It knows which options were set: a model file may bring its own sampling defaults, and they apply to the others.
 * A value out of range is an {@link IllegalArgumentException} that names the option, the value and the range.
 */
public final class GenerationOptions {

    private static final Option<OptionalInt> MAX_TOKENS = new Option<>("maxTokens", OptionalInt.empty());
    private static final Option<Float> TEMPERATURE = new Option<>("temperature", 0.8f);
    private static final Option<Integer> TOP_K = new Option<>("topK", 40);
    private static final Option<Float> TOP_P = new Option<>("topP", 0.95f);
    private static final Option<Float> MIN_P = new Option<>("minP", 0.05f);
    private static final Option<Float> TYPICAL_P = new Option<>("typicalP", 1f);
    private static final Option<Float> XTC_PROBABILITY = new Option<>("xtcProbability", 0f);
    private static final Option<Float> XTC_THRESHOLD = new Option<>("xtcThreshold", 0.1f);
    private static final Option<Float> REPEAT_PENALTY = new Option<>("repeatPenalty", 1f);
    private static final Option<Integer> REPEAT_LAST_N = new Option<>("repeatLastN", 64);
    private static final Option<Float> FREQUENCY_PENALTY = new Option<>("frequencyPenalty", 0f);
    private static final Option<Float> PRESENCE_PENALTY = new Option<>("presencePenalty", 0f);
    private static final Option<OptionalLong> SEED = new Option<>("seed", OptionalLong.empty());
    private static final Option<List<String>> STOP = new Option<>("stop", List.of());
    private static final Option<Map<Integer, Float>> LOGIT_BIAS = new Option<>("logitBias", Map.of());
    private static final Option<List<LogitsProcessor>> LOGITS_PROCESSORS = new Option<>("logitsProcessors", List.of());
    private static final Option<Boolean> IGNORE_END_OF_GENERATION = new Option<>("ignoreEndOfGeneration", false);
    private static final Option<Integer> TOP_LOG_PROBABILITIES = new Option<>("topLogProbabilities", 0);
    private static final Option<Optional<Constraint>> CONSTRAINT = new Option<>("constraint", Optional.empty());
    private static final Option<Optional<Speculation>> SPECULATION = new Option<>("speculation", Optional.empty());
    private static final Option<PromptProgress> PROMPT_PROGRESS = new Option<>("promptProgress", PromptProgress.NONE);

    /** The usual chain: temperature 0.8, top-k 40, top-p 0.95, min-p 0.05, until the model ends or the context is full. */
    public static final GenerationOptions DEFAULT = new GenerationOptions(OptionValues.NONE);

    /** Always the most probable token, so the same prompt gives the same text. */
    public static final GenerationOptions GREEDY = DEFAULT.withTemperature(0);

    private final OptionValues values;

    private GenerationOptions(OptionValues values) {
        this.values = values;
    }

    /** The options set here, then those set in {@code defaults}, then the library's defaults. */
    public GenerationOptions orElse(GenerationOptions defaults) {
        return new GenerationOptions(values.orElse(Objects.requireNonNull(defaults, "defaults").values));
    }

    /** Tokens to generate at most; empty for until the model ends or the context is full. */
    public OptionalInt maxTokens() {
        return get(MAX_TOKENS);
    }

    /** 0 or more tokens; with 0 only the prompt is evaluated. */
    public GenerationOptions withMaxTokens(int value) {
        return new GenerationOptions(values.withAtLeast(MAX_TOKENS, value, 0));
    }

    /** What the logits are divided by; 0 is greedy. */
    public float temperature() {
        return get(TEMPERATURE);
    }

    /** Whether {@link #withTemperature} was called, rather than that the temperature is the default one. */
    public boolean setsTemperature() {
        return values.isSet(TEMPERATURE);
    }

    /** 0 or more; 0 takes the most probable token, the lowest id among equals. */
    public GenerationOptions withTemperature(float value) {
        return with(TEMPERATURE, inRange(TEMPERATURE, value, 0, Float.MAX_VALUE));
    }

    /** How many of the most probable tokens stay; 0 for all. */
    public int topK() {
        return get(TOP_K);
    }

    /** 0 (all) or more. */
    public GenerationOptions withTopK(int value) {
        return with(TOP_K, atLeast(TOP_K, value, 0));
    }

    /** The most probable tokens stay until their probabilities add up to this; 1 for all. */
    public float topP() {
        return get(TOP_P);
    }

    /** 0 to 1. */
    public GenerationOptions withTopP(float value) {
        return with(TOP_P, inRange(TOP_P, value, 0, 1));
    }

    /** Tokens stay that have at least this share of the most probable one's probability; 0 for all. */
    public float minP() {
        return get(MIN_P);
    }

    /** 0 to 1. */
    public GenerationOptions withMinP(float value) {
        return with(MIN_P, inRange(MIN_P, value, 0, 1));
    }

    /** Locally typical sampling: the mass of the tokens that stay; 1 for all. */
    public float typicalP() {
        return get(TYPICAL_P);
    }

    /** 0 to 1. */
    public GenerationOptions withTypicalP(float value) {
        return with(TYPICAL_P, inRange(TYPICAL_P, value, 0, 1));
    }

    /** How often XTC removes the most probable tokens; 0 for never. */
    public float xtcProbability() {
        return get(XTC_PROBABILITY);
    }

    /** 0 to 1. */
    public GenerationOptions withXtcProbability(float value) {
        return with(XTC_PROBABILITY, inRange(XTC_PROBABILITY, value, 0, 1));
    }

    /** XTC removes all tokens of at least this probability but the least probable of them. */
    public float xtcThreshold() {
        return get(XTC_THRESHOLD);
    }

    /** 0 to 1. */
    public GenerationOptions withXtcThreshold(float value) {
        return with(XTC_THRESHOLD, inRange(XTC_THRESHOLD, value, 0, 1));
    }

    /** What the positive logit of a token seen lately is divided by, and a negative one multiplied; 1 for none. */
    public float repeatPenalty() {
        return get(REPEAT_PENALTY);
    }

    /** More than 0, and not so little that it is no normal float. */
    public GenerationOptions withRepeatPenalty(float value) {
        if (value > 0 && value < Float.MIN_NORMAL) { // dividing by it overflows
            throw new IllegalArgumentException(REPEAT_PENALTY.name() + " must be at least " + Float.MIN_NORMAL
                    + ", the least normal float, not " + value);
        }
        return with(REPEAT_PENALTY, inRange(REPEAT_PENALTY, value, Float.MIN_NORMAL, Float.MAX_VALUE));
    }

    /** How many of the last tokens, prompt included, the three penalties look at; -1 for all, 0 for none. */
    public int repeatLastN() {
        return get(REPEAT_LAST_N);
    }

    /** -1 (all) or more. */
    public GenerationOptions withRepeatLastN(int value) {
        return with(REPEAT_LAST_N, atLeast(REPEAT_LAST_N, value, -1));
    }

    /** What is subtracted from a token's logit for each time it was seen lately. */
    public float frequencyPenalty() {
        return get(FREQUENCY_PENALTY);
    }

    /** Any finite value; a negative one rewards repetition. */
    public GenerationOptions withFrequencyPenalty(float value) {
        return with(FREQUENCY_PENALTY, inRange(FREQUENCY_PENALTY, value, -Float.MAX_VALUE, Float.MAX_VALUE));
    }

    /** What is subtracted from the logit of every token seen lately. */
    public float presencePenalty() {
        return get(PRESENCE_PENALTY);
    }

    /** Any finite value; a negative one rewards repetition. */
    public GenerationOptions withPresencePenalty(float value) {
        return with(PRESENCE_PENALTY, inRange(PRESENCE_PENALTY, value, -Float.MAX_VALUE, Float.MAX_VALUE));
    }

    /** The seed of the random choice, empty for a new one each time. */
    public OptionalLong seed() {
        return get(SEED);
    }

    /**
     * Makes the random choice repeatable. The same seed, prompt and options on the same model and machine give the same
     * text where machine code runs ({@link LanguageModel#kernels()} says so for each tensor type): there, how a prompt was
     * evaluated, at once or in parts as a conversation grows, changes nothing. The other kernels round what they multiply
     * differently for one token and for many: the text is the same where the session evaluated its tokens in the same
     * portions, and may be another where it did not. So do those for AMX where they are switched on; {@link
     * LoadOptions#withReproducible} does without them.
     */
    public GenerationOptions withSeed(long value) {
        return with(SEED, OptionalLong.of(value));
    }

    /** Another seed each time, as where nothing is said. */
    public GenerationOptions withRandomSeed() {
        return with(SEED, OptionalLong.empty());
    }

    /** Texts that end the generation; they are not part of its text. */
    public List<String> stop() {
        return get(STOP);
    }

    /** Texts that end the generation; none may be empty. */
    public GenerationOptions withStop(List<String> value) {
        if (Arguments.requireNonNull(value, STOP.name()).contains("")) {
            throw new IllegalArgumentException("stop must not contain an empty string");
        }
        return with(STOP, List.copyOf(value));
    }

    /** Texts that end the generation; none may be empty. */
    public GenerationOptions withStop(String... value) {
        return withStop(Arrays.asList(Objects.requireNonNull(value, STOP.name())));
    }

    /** What is added to the logits of single tokens, by id. */
    public Map<Integer, Float> logitBias() {
        return get(LOGIT_BIAS);
    }

    /** Token ids of the model's vocabulary; negative infinity bans a token. */
    public GenerationOptions withLogitBias(Map<Integer, Float> value) {
        Objects.requireNonNull(value, LOGIT_BIAS.name()).forEach((id, bias) -> {
            if (id == null || bias == null) {
                throw new NullPointerException("logitBias: the bias of token " + id + " is " + bias);
            }
            if (id < 0) {
                throw new IllegalArgumentException("logitBias: a token id must be 0 or more, not " + id);
            }
            if (bias.isNaN() || bias == Float.POSITIVE_INFINITY) {
                throw new IllegalArgumentException(
                        "logitBias of token " + id + " must be finite or negative infinity, not " + bias);
            }
        });
        return with(LOGIT_BIAS, Map.copyOf(value));
    }

    /** What changes the logits before all else, in order. */
    public List<LogitsProcessor> logitsProcessors() {
        return get(LOGITS_PROCESSORS);
    }

    /**
     * The hook for own masks; one that keeps state serves one generation. Under a {@linkplain #constraint constraint} it can
     * only narrow what that allows.
     */
    public GenerationOptions withLogitsProcessors(List<LogitsProcessor> value) {
        return with(LOGITS_PROCESSORS, List.copyOf(Arguments.requireNonNull(value, LOGITS_PROCESSORS.name())));
    }

    /** Whether end-of-generation tokens are treated like any other. */
    public boolean ignoreEndOfGeneration() {
        return get(IGNORE_END_OF_GENERATION);
    }

    /**
     * For measuring and for comparing with a reference: generation does not stop at an end token. Without effect under a
     * {@linkplain #constraint constraint}, which says itself where a text may end.
     */
    public GenerationOptions withIgnoreEndOfGeneration(boolean value) {
        return with(IGNORE_END_OF_GENERATION, value);
    }

    /** How many of the most probable tokens are told with each token chosen; 0 for none. */
    public int topLogProbabilities() {
        return get(TOP_LOG_PROBABILITIES);
    }

    /** 0 (none) or more; see {@link GeneratedToken#alternatives}. */
    public GenerationOptions withTopLogProbabilities(int value) {
        return with(TOP_LOG_PROBABILITIES, atLeast(TOP_LOG_PROBABILITIES, value, 0));
    }

    /** What the text has to look like; empty for anything. */
    public Optional<Constraint> constraint() {
        return get(CONSTRAINT);
    }

    /**
     * Keeps the text to a constraint: only tokens are chosen with which it can still be satisfied, and the generation ends only
     * where it is. What is cut, by {@link #maxTokens}, a stop string, the context or a cancellation, is not {@linkplain
     * Generation#isComplete complete}.
     *
     * <p>Text that has to come is taken without a choice, in the tokens that the model would choose, and evaluated together with
     * what follows; not where {@link #topLogProbabilities}, a bias or a processor want the scores of each token.
     *
     * <p>In a chat the constraint is that of the answer: what the model thinks before, where its template lets it, is free.
     */
    public GenerationOptions withConstraint(Constraint value) {
        return with(CONSTRAINT, Optional.of(Objects.requireNonNull(value, CONSTRAINT.name())));
    }

    /**
     * Keeps the text to a JSON schema, as {@link Constraint#jsonSchema} says.
     *
     * @throws dev.nibble.constraint.ConstraintException if it cannot be enforced
     */
    public GenerationOptions withJsonSchema(String schema) {
        return withConstraint(Constraint.jsonSchema(schema));
    }

    /**
     * Keeps the text to a grammar in GBNF, as {@link Constraint#grammar} says.
     *
     * @throws dev.nibble.constraint.ConstraintException if it is not well-formed
     */
    public GenerationOptions withGrammar(String gbnf) {
        return withConstraint(Constraint.grammar(gbnf));
    }

    /**
     * Keeps the text to a regular expression, which it matches as a whole, as {@link Constraint#regex} says.
     *
     * @throws dev.nibble.constraint.ConstraintException if it is not well-formed
     */
    public GenerationOptions withRegex(String pattern) {
        return withConstraint(Constraint.regex(pattern));
    }

    /** Makes the text one of these; there must be one. */
    public GenerationOptions withChoices(List<String> texts) {
        return withConstraint(Constraint.choices(Arguments.requireNonNull(texts, "choices")));
    }

    /** How what is generated is guessed ahead; empty for {@link Speculation#lookup} where that changes no bit, else none. */
    public Optional<Speculation> speculation() {
        return get(SPECULATION);
    }

    /** Has what is generated guessed ahead, which changes how long it takes and not what it is. */
    public GenerationOptions withSpeculation(Speculation value) {
        return with(SPECULATION, Optional.of(Objects.requireNonNull(value, SPECULATION.name())));
    }

    /** Who is told how far the evaluation of the prompt is. */
    public PromptProgress promptProgress() {
        return get(PROMPT_PROGRESS);
    }

    /** By default nobody is told. */
    public GenerationOptions withPromptProgress(PromptProgress value) {
        return with(PROMPT_PROGRESS, Objects.requireNonNull(value, "promptProgress"));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof GenerationOptions options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** The options that were set. */
    @Override
    public String toString() {
        return values.describe(GenerationOptions.class);
    }

    private <T> T get(Option<T> option) {
        return values.get(option);
    }

    private <T> GenerationOptions with(Option<T> option, T value) {
        return new GenerationOptions(values.with(option, value));
    }

    private static float inRange(Option<Float> option, float value, float least, float most) {
        if (value >= least && value <= most) {
            return value;
        }
        String range = most < Float.MAX_VALUE
                ? "from " + least + " to " + most
                : least == 0 ? "0 or more" : least > 0 ? "more than 0" : "finite";
        throw new IllegalArgumentException(option.name() + " must be " + range + ", not " + value);
    }
}
