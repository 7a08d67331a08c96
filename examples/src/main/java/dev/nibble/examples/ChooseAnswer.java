package dev.nibble.examples;

import dev.nibble.LanguageModel;
import dev.nibble.Session;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;

/**
 * Which of several answers the model finds most probable after a text: a classifier without training.
 *
 * <p>The text is evaluated once; after each answer the session goes back to its end.
 */
public final class ChooseAnswer {
    private ChooseAnswer() {}

    /** An answer and the mean logarithm of the probabilities of its tokens, so that long answers stand a chance. */
    record Scored(String answer, double meanLogProbability) {}

    /** {@code ChooseAnswer MODEL TEXT ANSWER ANSWER...}. */
    public static void main(String[] arguments) throws IOException {
        try (LanguageModel model = LanguageModel.load(Path.of(arguments[0]))) {
            List<String> answers = List.of(arguments).subList(2, arguments.length);
            for (Scored scored : rank(model, arguments[1], answers)) {
                System.out.printf("%8.3f  %s%n", scored.meanLogProbability(), scored.answer());
            }
        }
    }

    /** The answers, the most probable first. */
    static List<Scored> rank(LanguageModel model, String text, List<String> answers) {
        Tokenizer tokenizer = model.tokenizer();
        try (Session session = model.newSession()) {
            session.score(tokenizer.encode(text, Tokenizer.Options.PROMPT));
            int end = session.length();
            return answers.stream()
                    .map(answer -> {
                        float[] scores = session.score(tokenizer.encode(answer, Tokenizer.Options.PLAIN));
                        session.truncate(end);
                        double sum = 0;
                        for (float score : scores) {
                            sum += score;
                        }
                        return new Scored(answer, sum / scores.length);
                    })
                    .sorted(Comparator.comparingDouble(Scored::meanLogProbability)
                            .reversed())
                    .toList();
        }
    }
}
