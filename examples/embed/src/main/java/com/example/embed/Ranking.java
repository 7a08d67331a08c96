package com.example.embed;

import dev.nibble.RerankModel;
import java.nio.file.Path;
import java.util.List;

/** Tells which of two texts answers a question, with the reranker given as the argument. */
final class Ranking {
    private Ranking() {}

    public static void main(String[] arguments) throws Exception {
        try (RerankModel model = RerankModel.load(Path.of(arguments[0]))) {
            List<String> texts = List.of("Bees navigate by the sun.", "Bears eat honey.");
            float[] scores = model.scores("How do bees find home?", texts);
            System.out.println(scores[0] > scores[1]);
        }
    }
}
