package dev.nibble.examples;

import dev.nibble.EmbeddingModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/** Finds the lines of a text file that come nearest to a question in meaning, with an embedding model. */
public final class EmbeddingSearch {
    private EmbeddingSearch() {}

    /** A line and how near it comes: the cosine of the angle between its vector and that of the question. */
    record Hit(String line, double similarity) {}

    /** {@code EmbeddingSearch MODEL FILE QUESTION}. */
    public static void main(String[] arguments) throws IOException {
        try (EmbeddingModel model = EmbeddingModel.load(Path.of(arguments[0]))) {
            List<String> lines = Files.readAllLines(Path.of(arguments[1])).stream()
                    .filter(line -> !line.isBlank())
                    .toList();
            for (Hit hit : search(model, lines, arguments[2], 5)) {
                System.out.printf("%.3f  %s%n", hit.similarity(), hit.line());
            }
        }
    }

    /** The {@code count} lines nearest to the question, the nearest first. A program with many keeps their vectors. */
    static List<Hit> search(EmbeddingModel model, List<String> lines, String question, int count) {
        float[] wanted = model.embed(question);
        List<float[]> vectors = model.embed(lines);
        return IntStream.range(0, lines.size())
                .mapToObj(i -> new Hit(lines.get(i), cosine(wanted, vectors.get(i))))
                .sorted(Comparator.comparingDouble(Hit::similarity).reversed())
                .limit(count)
                .toList();
    }

    private static double cosine(float[] a, float[] b) {
        double product = 0;
        double squaresOfA = 0;
        double squaresOfB = 0;
        for (int i = 0; i < a.length; i++) {
            product += (double) a[i] * b[i];
            squaresOfA += (double) a[i] * a[i];
            squaresOfB += (double) b[i] * b[i];
        }
        return product / Math.sqrt(squaresOfA * squaresOfB);
    }
}
