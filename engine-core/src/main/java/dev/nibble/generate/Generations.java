package dev.nibble.generate;

import dev.nibble.ChatOptions;
import dev.nibble.ContextOverflowException;
import dev.nibble.GenerationOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.SourceFile;
import dev.nibble.Speculation;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.ChatMessage;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Begins generations: what the sessions of a model have in common, from prompts to defaults. Thread-safe. */
public final class Generations {
    private final Tokenizer tokenizer;
    private final Model model;
    private final PromptEncoder encoder;
    private final ChatPrompts chatPrompts;
    private final InfillPrompt infill;
    private final ConstrainedVocabulary constrained;
    private final GenerationOptions defaults;
    private final GenerationOptions chatDefaults;
    /** Tokens that are never generated: those the file lists, and rows of the embedding that are no token. */
    private final int[] suppressed;

    /**
     * @param model whose embedding may have more rows than there are tokens
     * @param weights how many the model has
     * @param defaults of the file
     */
    public Generations(Tokenizer tokenizer, Metadata metadata, Model model, long weights, GenerationOptions defaults) {
        this.tokenizer = tokenizer;
        this.model = model;
        this.defaults = defaults;
        chatDefaults = SamplingDefaults.ofChat(defaults, weights);
        encoder = new PromptEncoder(tokenizer);
        chatPrompts = new ChatPrompts(metadata, tokenizer, encoder);
        infill = new InfillPrompt(tokenizer, metadata);
        constrained = new ConstrainedVocabulary(tokenizer);
        suppressed = IntStream.concat(
                        IntStream.of(tokenizer.vocabulary().suppressedTokens()),
                        IntStream.range(
                                tokenizer.vocabulary().size(), model.config().vocabSize()))
                .toArray();
    }

    /** The tokens that are generated. */
    public Vocabulary vocabulary() {
        return tokenizer.vocabulary();
    }

    /** All chat templates of the file. */
    public ChatTemplates templates() {
        return chatPrompts.templates();
    }

    /** The options of a conversation's answer: where no temperature is asked for, completed for chats. */
    public GenerationOptions ofChat(GenerationOptions options) {
        return options.setsTemperature() ? options : options.orElse(chatDefaults);
    }

    /**
     * The tokens of a prompt, as {@link PromptEncoder#prompt}; of one that an encoder reads, which is a text of its own, with all
     * that the model adds to texts.
     */
    public int[] encode(String prompt, boolean startOfText) {
        if (model.encoder() != null) {
            return prompt.isEmpty() ? new int[0] : tokenizer.encode(prompt, Tokenizer.Options.PROMPT);
        }
        return encoder.prompt(prompt, startOfText);
    }

    /** The prompt of a conversation, as {@link ChatPrompts#prompt}. */
    public ChatPrompt prompt(List<ChatMessage> messages, ChatOptions options) {
        return chatPrompts.prompt(messages, options);
    }

    /** Whether the model can be asked for what stands between two texts. */
    public boolean canInfill() {
        return infill.isSupported();
    }

    /** The tokens of the prompt for what stands between two texts. */
    public int[] infill(String prefix, String suffix, List<SourceFile> files) {
        return infill.tokens(prefix, suffix, files);
    }

    /** The text of the prompt of a conversation, as {@link ChatPrompts#text}. */
    public String chatText(List<ChatMessage> messages, ChatOptions options) {
        return chatPrompts.text(messages, options);
    }

    /** The tokens of the prompt of a conversation, as {@link ChatPrompts#tokens}. */
    public int[] chatTokens(List<ChatMessage> messages, ChatOptions options) {
        return chatPrompts.tokens(messages, options);
    }

    /**
     * Refuses what goes through a text from its beginning to its end, where the model does not.
     *
     * @throws UnsupportedModelException that says what the model is
     */
    public void requireCausal() {
        if (!model.isCausal()) {
            throw new UnsupportedModelException(
                    "this is a diffusion model (" + model.config().architecture()
                            + "): it fills in masked tokens anywhere in a text, over several passes, and says of no token what"
                            + " follows it; generating and scoring texts with it is not supported, Session.evaluate gives its"
                            + " scores for the whole text");
        }
    }

    /**
     * Begins a generation. Nothing is changed if it throws. Where the model has an encoder, the prompt is its source, and what is
     * generated answers it; without a prompt, the generation goes on with the answer.
     *
     * @param promptStart position of the prompt's first token
     * @param kept tokens the context keeps: those before the prompt, and of the prompt what it holds already
     * @param prompt the tokens from {@code promptStart} on
     * @param showsControls whether control tokens are part of the text
     * @param draft guesses what is generated; null for what the options say
     * @throws ContextOverflowException if the prompt does not fit
     * @throws OutOfMemoryException if there is no memory for it
     * @throws UnsupportedModelException if the model does not generate
     * @throws IllegalArgumentException if there is nothing to continue, a token is not in the vocabulary, or an option does
     *     not suit the model
     */
    public Generator begin(
            TokenContext context,
            int promptStart,
            int kept,
            int[] prompt,
            GenerationOptions options,
            boolean showsControls,
            @Nullable Drafter draft,
            Cancellation cancellation) {
        requireCausal();
        int[] source = prompt.length > 0 || context.count() > 0 ? prompt : context.source();
        GenerationOptions complete = complete(options);
        Drafter drafter = draft == null && looksUp(complete, context) ? new LookupDrafter() : draft;
        if (model.encoder() != null && source.length > 0) {
            context.checkSource(source);
            Generator generator =
                    new Generator(context, tokenizer, complete, cancellation, constrained, showsControls, drafter);
            int keptSource = context.answer(source);
            context.append(model.encoder().startToken());
            generator.begin(source.length, keptSource, 0);
            return generator;
        }
        context.check(promptStart, prompt);
        int length = promptStart + prompt.length;
        if (length == 0) {
            throw new IllegalArgumentException(
                    "there is nothing to continue: the prompt is empty and so is the session");
        }
        if (promptStart == 0) {
            context.checkGrowth(prompt);
        } else {
            context.checkGrowth(length);
        }
        Generator generator =
                new Generator(context, tokenizer, complete, cancellation, constrained, showsControls, drafter);
        context.truncate(kept);
        context.append(Arrays.copyOfRange(prompt, kept - promptStart, prompt.length));
        generator.begin(prompt.length, Math.max(0, context.prepare() - promptStart), kept);
        return generator;
    }

    /** Whether guesses are looked up: where nothing is said, if no bit depends on it. */
    private static boolean looksUp(GenerationOptions options, TokenContext context) {
        return options.speculation().map(Speculation::isLookup).orElseGet(context::isBatchInvariant);
    }

    /** The options with the file's defaults and what the vocabulary forbids. */
    private GenerationOptions complete(GenerationOptions options) {
        GenerationOptions merged = options.orElse(defaults);
        if (suppressed.length == 0 || merged.constraint().isPresent()) {
            return merged; // no constraint allows these tokens
        }
        Map<Integer, Float> bias = new HashMap<>(merged.logitBias());
        for (int id : suppressed) {
            bias.put(id, Float.NEGATIVE_INFINITY);
        }
        return merged.withLogitBias(bias);
    }
}
