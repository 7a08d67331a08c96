package dev.nibble.generate;

import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.GenerationStats;
import dev.nibble.NibbleException;
import dev.nibble.PromptProgress;
import dev.nibble.Speculation;
import dev.nibble.TokenProbability;
import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.Matcher;
import dev.nibble.jfr.Events;
import dev.nibble.sampling.Sampler;
import dev.nibble.sampling.Samplers;
import dev.nibble.tokenizer.StreamingDetokenizer;
import dev.nibble.tokenizer.Tokenizer;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** The generate loop, one token a call. Used by one thread at a time. */
public final class Generator {
    private final TokenContext context;
    private final Tokenizer tokenizer;
    private final GenerationOptions options;
    private final Cancellation cancellation;
    private final boolean showsControls;
    private final int maxTokens;
    private final Sampler sampler;
    private final StreamingDetokenizer detokenizer;
    private final StopStrings stopStrings;
    private final @Nullable ConstrainedText constrained;
    private final @Nullable Speculator speculator;

    /** Whether tokens that have to come are taken without being chosen. */
    private final boolean skips;
    /** Tokens that have to come; those from {@link #aheadAt} on have not been taken. */
    private int[] ahead = {};

    private int aheadAt;
    private int forcedTokens;

    private final StringBuilder text = new StringBuilder();
    private int[] generated = new int[64];
    private int count;
    private @Nullable FinishReason finishReason;
    private int keepOnCancel;
    private int promptTokens;
    private int cachedTokens;
    private boolean promptEvaluated;
    private long promptNanos;
    private long firstTokenNanos;
    private long totalNanos;

    /**
     * @param context of the session
     * @param tokenizer of the model
     * @param options complete
     * @param cancellation watched
     * @param vocabulary that of the tokenizer, for constraints
     * @param showsControls whether control tokens are part of the text, as they are written in the vocabulary
     * @param drafter guesses what it generates; null for none
     */
    public Generator(
            TokenContext context,
            Tokenizer tokenizer,
            GenerationOptions options,
            Cancellation cancellation,
            ConstrainedVocabulary vocabulary,
            boolean showsControls,
            @Nullable Drafter drafter) {
        this.context = context;
        this.tokenizer = tokenizer;
        this.options = options;
        this.cancellation = cancellation;
        this.showsControls = showsControls;
        maxTokens = options.maxTokens().orElse(Integer.MAX_VALUE);
        sampler = Samplers.of(options, context.vocabSize());
        detokenizer = new StreamingDetokenizer(tokenizer);
        stopStrings = new StopStrings(options.stop());
        constrained = options.constraint().map(vocabulary::begin).orElse(null);
        speculator = drafter == null
                ? null
                : new Speculator(
                        context,
                        drafter,
                        options.speculation().map(Speculation::tokens).orElse(OptionalInt.empty()),
                        tokenizer.vocabulary());
        // Who changes or wants to see the scores of each token gets them.
        skips = options.logitsProcessors().isEmpty()
                && options.logitBias().isEmpty()
                && options.topLogProbabilities() == 0;
    }

    /**
     * Says that the prompt is in the context now.
     *
     * @param tokens of the prompt
     * @param cached of these, how many need not be evaluated
     * @param keepOnCancel how many tokens stay if it is cancelled before it is evaluated
     */
    public void begin(int tokens, int cached, int keepOnCancel) {
        this.keepOnCancel = keepOnCancel;
        promptTokens = tokens;
        cachedTokens = cached;
        context.takeShared();
    }

    /** Whether the generation has ended. */
    public boolean finished() {
        return finishReason != null;
    }

    /** Evaluates what is pending and chooses a token; null at the end. */
    public @Nullable GeneratedToken next() {
        if (finished()) {
            return null;
        }
        long start = System.nanoTime();
        GeneratedToken token = step(start);
        totalNanos += System.nanoTime() - start;
        if (finished()) {
            pause();
        }
        if (token != null && count == 1) {
            firstTokenNanos = totalNanos;
        }
        return token;
    }

    private @Nullable GeneratedToken step(long start) {
        float[] logits = null;
        int id = 0;
        Object event = promptEvaluated ? null : Events.beginPrompt();
        try {
            if (cancellation.getAsBoolean()) {
                throw new CancellationException();
            }
            if (aheadAt < ahead.length) {
                forcedTokens++;
                return take(ahead[aheadAt++], 0);
            }
            if (!promptEvaluated) {
                context.report(options.promptProgress());
            }
            boolean modelChooses = speculator == null
                    && sampler.isGreedy()
                    && options.topLogProbabilities() == 0
                    && context.canChoose();
            if (modelChooses) {
                id = context.chooseNext(cancellation);
            }
            if (!modelChooses || Float.isNaN(context.chosenLogProbability()) || !allows(id)) {
                logits = nextLogits(); // without a usable number in them, the sampler says so
            }
        } catch (CancellationException e) {
            Events.endPrompt(event, promptTokens, cachedTokens);
            cancel();
            return null;
        } finally {
            if (!promptEvaluated) {
                context.report(PromptProgress.NONE);
            }
        }
        if (!promptEvaluated) {
            promptEvaluated = true;
            cachedTokens = Math.min(promptTokens, cachedTokens + context.takeShared());
            Events.endPrompt(event, promptTokens, cachedTokens);
            promptNanos = System.nanoTime() - start;
            finishReason = constrained != null && constrained.isOver() ? FinishReason.STOP_TOKEN : limit();
            if (finishReason != null) {
                return null;
            }
        }
        float logProbability = context.chosenLogProbability();
        if (logits != null) {
            id = constrained == null ? sample(logits, null) : sampleAllowed(logits, constrained);
            logProbability = sampler.logProbability();
        }
        List<TokenProbability> alternatives = logits == null || options.topLogProbabilities() == 0
                ? List.of()
                : TopTokens.of(logits, options.topLogProbabilities(), (double) logits[id] - logProbability);
        GeneratedToken token = take(id, logProbability); // after it the scores may be those of the next one
        if (skips && constrained != null && !finished()) {
            ahead = constrained.forced(context.tokens(), context.count());
            aheadAt = 0;
        }
        return alternatives.isEmpty() ? token : token.withAlternatives(alternatives);
    }

    private float[] nextLogits() {
        if (speculator == null || !promptEvaluated) {
            return context.nextLogits(cancellation);
        }
        int room = Math.min(maxTokens - count, context.capacity() - context.count()) - 1;
        return speculator.nextLogits(room, constrained, cancellation);
    }

    /** Goes on with a token. */
    private GeneratedToken take(int id, float logProbability) {
        if (constrained != null) {
            follow(constrained, id);
        }
        if (count == generated.length) {
            generated = Arrays.copyOf(generated, 2 * count);
        }
        generated[count++] = id;
        String piece = accept(id);
        text.append(piece);
        return GeneratedToken.of(id, piece, logProbability);
    }

    private boolean allows(int id) {
        return constrained == null || constrained.after(id) != null;
    }

    /** One of the tokens that the constraint allows; the model's own choice, where that is one, needs no mask. */
    private int sampleAllowed(float[] logits, ConstrainedText text) {
        if (sampler.isGreedy()) {
            int best = sample(logits, null);
            if (text.after(best) != null) {
                return best;
            }
        }
        return sample(logits, text.allowed(count));
    }

    private static void follow(ConstrainedText text, int id) {
        Matcher next = text.after(id);
        if (next == null) {
            throw new ConstraintException("the token " + id + " was chosen, which the constraint does not allow");
        }
        text.move(next);
    }

    private int sample(float[] logits, long @Nullable [] allowed) {
        try {
            return sampler.sample(logits, allowed, context.tokens(), context.count());
        } catch (NibbleException e) {
            throw context.explain(e);
        }
    }

    /** Adds a token to the context and gives the text that is certain now. */
    private String accept(int id) {
        boolean endsCount = constrained != null || !options.ignoreEndOfGeneration();
        if (endsCount && tokenizer.vocabulary().isEndOfGeneration(id)) {
            finishReason = FinishReason.STOP_TOKEN;
            return rest();
        }
        context.append(id);
        String piece = stopStrings.append(
                showsControls && tokenizer.vocabulary().isControl(id)
                        ? detokenizer.flush() + tokenizer.vocabulary().text(id)
                        : detokenizer.append(id));
        if (stopStrings.found()) {
            finishReason = FinishReason.STOP_STRING;
        } else {
            finishReason = constrained != null && constrained.isOver() ? FinishReason.STOP_TOKEN : limit();
        }
        return finishReason == null || stopStrings.found() ? piece : piece + rest();
    }

    private String rest() {
        String certain = stopStrings.append(detokenizer.flush());
        return stopStrings.found() ? certain : certain + stopStrings.flush();
    }

    private @Nullable FinishReason limit() {
        if (count >= maxTokens) {
            return FinishReason.MAX_TOKENS;
        }
        return context.count() == context.capacity() ? FinishReason.CONTEXT_FULL : null;
    }

    /** Asks it to stop, from any thread: its next token, or the one that is being evaluated, does not come. */
    public void requestCancel() {
        cancellation.request();
    }

    /** Ends the generation where it stands; no effect after the end. A prompt not yet evaluated is forgotten. */
    public void cancel() {
        if (!finished()) {
            finishReason = FinishReason.CANCELLED;
            Events.cancellation(count);
            pause();
            if (!promptEvaluated) {
                context.dropPrompt(keepOnCancel);
            }
        }
    }

    private void pause() {
        context.pause();
        if (speculator != null) {
            speculator.pause();
        }
    }

    /** As {@link #cancel}, where the context is closed or being closed. */
    public void abandon() {
        if (!finished()) {
            finishReason = FinishReason.CANCELLED;
        }
    }

    /** What was generated; complete when {@link #finished}. */
    public Generation result() {
        FinishReason reason = finishReason;
        if (reason == null) {
            throw new IllegalStateException("the generation has not ended");
        }
        GenerationStats stats = GenerationStats.NONE
                .withPrompt(promptTokens, cachedTokens, Duration.ofNanos(promptNanos))
                .withGenerated(
                        count,
                        Duration.ofNanos(firstTokenNanos),
                        Duration.ofNanos(Math.max(0, totalNanos - Math.max(firstTokenNanos, promptNanos))))
                .withForced(forcedTokens);
        if (speculator != null) {
            stats = stats.withSpeculation(speculator.drafted(), speculator.accepted());
        }
        Generation generation = Generation.of(text.toString(), Arrays.copyOf(generated, count), reason, stats);
        return constrained == null ? generation : generation.withComplete(reason == FinishReason.STOP_TOKEN);
    }
}
