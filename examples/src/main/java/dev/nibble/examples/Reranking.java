package dev.nibble.examples;

import dev.nibble.RerankModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Puts the lines of a text file in the order in which they answer a question, with a reranker. A program with many lines
 * searches them with an {@link EmbeddingSearch} first and rates only what that finds.
 */
public final class Reranking {
    private Reranking() {}

    /** A line and its score, the greater the better. */
    record Rated(String line, float score) {}

    /** {@code Reranking MODEL FILE QUESTION}. */
    public static void main(String[] arguments) throws IOException {
        try (RerankModel model = RerankModel.load(Path.of(arguments[0]))) {
            List<String> lines = Files.readAllLines(Path.of(arguments[1])).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            for (Rated rated : rank(model, arguments[2], lines)) {
                System.out.printf("%.3f  %s%n", rated.score(), rated.line());
            }
        }
    }

    /** The lines, the best answer first. */
    static List<Rated> rank(RerankModel model, String question, List<String> lines) {
        float[] scores = model.scores(question, lines);
        return IntStream.range(0, scores.length)
                .mapToObj(i -> new Rated(lines.get(i), scores[i]))
                .sorted(Comparator.comparingDouble(Rated::score).reversed())
                .toList();
    }
}
