package dev.nibble.cli;

import dev.nibble.ChatOptions;
import dev.nibble.GenerationOptions;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How tokens are chosen. What is not given follows the model file, else the library's defaults. */
@HelpSection(HelpSection.Heading.SAMPLING)
final class SamplingOptions {
    @Option(
            names = {"-n", "--max-tokens"},
            paramLabel = "N",
            description = "Tokens to generate at most; -1 (default) until the model ends or the context is full.")
    private @Nullable String maxTokens;

    @Option(
            names = {"--temp", "--temperature"},
            paramLabel = "T",
            description =
                    "Temperature; 0 always takes the most probable token (default: the model file's, else 0.8; in chats"
                            + " with a model of less than a billion weights 0.5, with a frequency penalty of 0.2).")
    private @Nullable Float temperature;

    @Option(
            names = {"-s", "--seed"},
            paramLabel = "N",
            description = "The same seed gives the same text (default: another one each time).")
    private @Nullable Long seed;

    @Option(names = "--top-k", paramLabel = "N", description = "Keep the N most probable tokens; 0 all (default: 40).")
    private @Nullable Integer topK;

    @Option(
            names = "--top-p",
            paramLabel = "P",
            description = "Keep the most probable tokens that make up P together (default: 0.95; in chats with a small"
                    + " model 0.9).")
    private @Nullable Float topP;

    @Option(
            names = "--min-p",
            paramLabel = "P",
            description = "Keep tokens with P times the best one's probability (default: 0.05).")
    private @Nullable Float minP;

    @Option(names = "--typical-p", paramLabel = "P", description = "Locally typical sampling; 1 is off (default: 1).")
    private @Nullable Float typicalP;

    @Option(
            names = "--xtc-probability",
            paramLabel = "P",
            description = "How often to leave out the most probable tokens (default: 0, never).")
    private @Nullable Float xtcProbability;

    @Option(
            names = "--xtc-threshold",
            paramLabel = "P",
            description = "Tokens this probable, but for the least of them, are left out then (default: 0.1).")
    private @Nullable Float xtcThreshold;

    @Option(
            names = "--repeat-penalty",
            paramLabel = "F",
            description = "Divide the scores of recent tokens by F; 1 is off (default: 1).")
    private @Nullable Float repeatPenalty;

    @Option(
            names = "--repeat-last-n",
            paramLabel = "N",
            description = "How many tokens are recent; -1 all (default: 64).")
    private @Nullable Integer repeatLastN;

    @Option(
            names = "--frequency-penalty",
            paramLabel = "F",
            description = "Subtract F for each recent occurrence (default: 0).")
    private @Nullable Float frequencyPenalty;

    @Option(
            names = "--presence-penalty",
            paramLabel = "F",
            description = "Subtract F if there is a recent occurrence (default: 0).")
    private @Nullable Float presencePenalty;

    @Option(
            names = "--stop",
            paramLabel = "TEXT",
            description = "End where the text comes to contain TEXT; may be repeated.")
    private List<String> stop = List.of();

    @Option(
            names = "--logit-bias",
            paramLabel = "ID=F",
            description = "Add F to the score of a token, -inf bans it; may be repeated.")
    private Map<Integer, String> logitBias = Map.of();

    @Option(names = "--ignore-eos", description = "Go on after the model's end token.")
    private boolean ignoreEos;

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = "--control-tokens",
            description = "Control tokens written in a chat message, as <|im_end|>, count as such: for text you trust.")
    private boolean controlTokens;

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = "--template-var",
            paramLabel = "NAME=VALUE",
            description = "A variable for the chat template, as enable_thinking=false; may be repeated.")
    private Map<String, String> templateVariables = Map.of();

    @HelpSection(HelpSection.Heading.PROMPT)
    @Option(
            names = "--template-name",
            paramLabel = "NAME",
            description = "Which of the file's chat templates to use, as tool_use; inspect lists them.")
    private @Nullable String templateName;

    /** The options; a value out of range is bad usage. */
    GenerationOptions toOptions() {
        return toOptions(GenerationOptions.DEFAULT);
    }

    /** {@code base} with what was given on the command line; a value out of range is bad usage. */
    GenerationOptions toOptions(GenerationOptions base) {
        try {
            return build(base);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()), e);
        }
    }

    private GenerationOptions build(GenerationOptions base) {
        GenerationOptions options = base;
        options = maxTokens == null ? options : options.withMaxTokens(Settings.maxTokens("-n", maxTokens));
        options = temperature == null ? options : options.withTemperature(temperature);
        options = seed == null ? options : options.withSeed(seed);
        options = topK == null ? options : options.withTopK(topK);
        options = topP == null ? options : options.withTopP(topP);
        options = minP == null ? options : options.withMinP(minP);
        options = typicalP == null ? options : options.withTypicalP(typicalP);
        options = xtcProbability == null ? options : options.withXtcProbability(xtcProbability);
        options = xtcThreshold == null ? options : options.withXtcThreshold(xtcThreshold);
        options = repeatPenalty == null ? options : options.withRepeatPenalty(repeatPenalty);
        options = repeatLastN == null ? options : options.withRepeatLastN(repeatLastN);
        options = frequencyPenalty == null ? options : options.withFrequencyPenalty(frequencyPenalty);
        options = presencePenalty == null ? options : options.withPresencePenalty(presencePenalty);
        options = stop.isEmpty() ? options : options.withStop(stop);
        options = logitBias.isEmpty() ? options : options.withLogitBias(biases());
        return ignoreEos ? options.withIgnoreEndOfGeneration(true) : options;
    }

    /** How a conversation becomes a prompt, as given on the command line, and how its answer is generated. */
    ChatOptions toChatOptions(GenerationOptions generation) {
        ChatOptions options = ChatOptions.DEFAULT.withGeneration(generation);
        options = controlTokens ? options.withControlTokensInMessages(true) : options;
        options = templateName == null ? options : options.withTemplateName(templateName);
        return templateVariables.isEmpty() ? options : options.withTemplateVariables(variables());
    }

    private Map<Integer, Float> biases() {
        Map<Integer, Float> biases = new LinkedHashMap<>();
        logitBias.forEach((id, text) -> biases.put(id, Settings.parseFloat("--logit-bias", text)));
        return biases;
    }

    private Map<String, Object> variables() {
        Map<String, Object> variables = new LinkedHashMap<>();
        templateVariables.forEach((name, text) -> variables.put(name, value(text)));
        return variables;
    }

    /** A boolean, a number, else the text itself. */
    private static Object value(String text) {
        if (text.equals("true") || text.equals("false")) {
            return Boolean.valueOf(text);
        }
        if (text.matches("-?\\d{1,18}")) {
            return Long.valueOf(text);
        }
        return text.matches("-?\\d+\\.\\d+") ? (Object) Double.valueOf(text) : text;
    }
}
