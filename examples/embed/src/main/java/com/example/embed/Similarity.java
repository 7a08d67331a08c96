package com.example.embed;

import dev.nibble.EmbeddingModel;
import java.nio.file.Path;

/** Compares two texts with the embedding model given as the argument. */
final class Similarity {
    private Similarity() {}

    public static void main(String[] arguments) throws Exception {
        try (EmbeddingModel model = EmbeddingModel.load(Path.of(arguments[0]))) {
            float[] question = model.embed("How do bees find home?");
            float[] answer = model.embed("Bees navigate by the sun.");
            double similarity = 0;
            for (int i = 0; i < model.dimensions(); i++) {
                similarity += question[i] * answer[i];
            }
            System.out.println(similarity);
        }
    }
}
