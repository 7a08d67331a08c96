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
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A model file, how it is loaded, and what it says undisturbed: every later answer has to be the same.
 *
 * @param tokens of an answer
 * @param answers to each of {@link #PROMPTS}
 * @param conversation the answers of {@link #converse}; empty if the file has no template
 * @param embedding of the first prompt
 */
record Subject(
        String name,
        Path file,
        LoadOptions options,
        int tokens,
        List<Generation> answers,
        List<String> conversation,
        float[] embedding) {
    /** Of one, a few and many tokens. The longest is evaluated in several chunks by no model here. */
    static final List<String> PROMPTS = List.of(
            "A",
            "The capital of France is",
            "Bees navigate by the sun, and tell the others of flowers that they have found by dancing. One of");

    private static final List<String> QUESTIONS = List.of("Who are you?", "And why?");

    static final EmbeddingOptions POOLED = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);

    /** Loads the model and asks it everything, alone. */
    static Subject of(String name, Path file, LoadOptions options, int tokens) throws IOException {
        List<Generation> answers = new ArrayList<>();
        List<String> conversation;
        try (LanguageModel model = LanguageModel.load(file, options)) {
            for (String prompt : PROMPTS) {
                try (Session session = model.newSession()) {
                    answers.add(session.generate(prompt, greedy(tokens)));
                }
            }
            conversation = model.chatTemplates().names().isEmpty() ? List.of() : converse(model, tokens);
        }
        try (EmbeddingModel model = EmbeddingModel.load(file, options, POOLED)) {
            return new Subject(name, file, options, tokens, answers, conversation, model.embed(PROMPTS.getFirst()));
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
    Optional<String> wrong(int prompt, Generation actual) {
        Generation expected = answers.get(prompt);
        boolean right = actual.finishReason() == FinishReason.CANCELLED
                ? actual.tokens().size() <= expected.tokens().size()
                        && expected.tokens().subList(0, actual.tokens().size()).equals(actual.tokens())
                : actual.tokens().equals(expected.tokens())
                        && actual.text().equals(expected.text())
                        && actual.finishReason() == expected.finishReason();
        return right
                ? Optional.empty()
                : Optional.of(name + ", prompt '" + PROMPTS.get(prompt) + "': expected " + show(expected) + ", found "
                        + show(actual));
    }

    private static String show(Generation generation) {
        return generation.finishReason() + " " + generation.tokens() + " '" + generation.text() + "'";
    }
}
