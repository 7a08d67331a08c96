package dev.nibble.benchmarks.soak;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Session;
import dev.nibble.chat.ChatMessage;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * A model file, how it is loaded, and what it says undisturbed: every later answer has to be the same. Where the kernels do not
 * promise that a row is the same whatever it is evaluated with, another token that is as good within rounding may be chosen.
 *
 * @param isInvariant whether all kernels promise it
 * @param tokens of an answer
 * @param answers to each of {@link #PROMPTS}
 * @param conversation the answers of {@link #converse}; empty if the file has no template
 * @param embedding of the first prompt
 */
record Subject(
        String name,
        Path file,
        LoadOptions options,
        boolean isInvariant,
        int tokens,
        List<Generation> answers,
        List<String> conversation,
        float[] embedding) {
    /** Of one, a few and many tokens. The longest is evaluated in several chunks by no model here. */
    static final List<String> PROMPTS = List.of(
            "A",
            "The capital of France is",
            "Bees navigate by the sun, and tell the others of flowers that they have found by dancing. One of");

    /** How much less likely than the best, as a difference of logits, a token may be for which roundings decided. */
    private static final float ROUNDING = 1;

    private static final List<String> QUESTIONS = List.of("Who are you?", "And why?");

    static final EmbeddingOptions POOLED = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);

    /** Loads the model and asks it everything, alone. */
    static Subject of(String name, Path file, LoadOptions options, int tokens) throws IOException {
        List<Generation> answers = new ArrayList<>();
        List<String> conversation;
        boolean isInvariant;
        try (LanguageModel model = LanguageModel.load(file, options)) {
            for (String prompt : PROMPTS) {
                try (Session session = model.newSession()) {
                    answers.add(session.generate(prompt, greedy(tokens)));
                }
            }
            conversation = model.chatTemplates().names().isEmpty() ? List.of() : converse(model, tokens);
            isInvariant = model.kernels().values().stream().allMatch(kernel -> kernel.startsWith("machine code"));
        }
        try (EmbeddingModel model = EmbeddingModel.load(file, options, POOLED)) {
            return new Subject(
                    name, file, options, isInvariant, tokens, answers, conversation, model.embed(PROMPTS.getFirst()));
        }
    }

    private static GenerationOptions greedy(int tokens) {
        return GenerationOptions.GREEDY.withMaxTokens(tokens);
    }

    GenerationOptions greedy() {
        return greedy(tokens);
    }

    /** A conversation in one session, each answer a part of the next prompt. */
    static List<String> converse(LanguageModel model, int tokens) {
        List<ChatMessage> messages = new ArrayList<>();
        List<String> answers = new ArrayList<>();
        try (Session session = model.newSession()) {
            for (String question : QUESTIONS) {
                messages.add(ChatMessage.user(question));
                String answer = session.chat(messages, greedy(tokens)).result().text();
                messages.add(ChatMessage.assistant(answer));
                answers.add(answer);
            }
        }
        return answers;
    }

    /** What is wrong with an answer: it has to be the expected one, or its beginning if it was cancelled. */
    Optional<String> wrong(int prompt, Generation actual) throws IOException {
        Generation expected = answers.get(prompt);
        boolean right = actual.finishReason() == FinishReason.CANCELLED
                ? actual.tokens().length <= expected.tokens().length
                        && Arrays.equals(Arrays.copyOf(expected.tokens(), actual.tokens().length), actual.tokens())
                : Arrays.equals(actual.tokens(), expected.tokens())
                        && actual.text().equals(expected.text())
                        && actual.finishReason() == expected.finishReason();
        return right || !isInvariant && isNearlyGreedy(PROMPTS.get(prompt), actual.tokens())
                ? Optional.empty()
                : Optional.of(name + ", prompt '" + PROMPTS.get(prompt) + "': expected " + show(expected) + ", found "
                        + show(actual));
    }

    /** Whether exact kernels find every token about as good as the best. */
    private boolean isNearlyGreedy(String prompt, int[] answer) throws IOException {
        try (LanguageModel model = LanguageModel.load(file, LoadOptions.EXACT);
                Session session = model.newSession()) {
            int[] begin = model.tokenizer().encode(prompt, Tokenizer.Options.PROMPT);
            int[] all = Arrays.copyOf(begin, begin.length + answer.length);
            System.arraycopy(answer, 0, all, begin.length, answer.length);
            float[] logits = session.evaluate(all, true);
            int size = logits.length / all.length;
            for (int at = begin.length; at < all.length; at++) {
                float[] row = Arrays.copyOfRange(logits, (at - 1) * size, at * size);
                float chosen = row[all[at]];
                for (float logit : row) {
                    if (logit - chosen > ROUNDING) {
                        return false;
                    }
                }
            }
            return true;
        }
    }

    private static String show(Generation generation) {
        return generation.finishReason() + " " + Arrays.toString(generation.tokens()) + " '" + generation.text() + "'";
    }
}
