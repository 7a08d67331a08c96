package dev.nibble.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.RerankModel;
import dev.nibble.Session;
import dev.nibble.model.Model.Pooling;
import dev.nibble.testdata.TinyEncoders;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The examples with a small model. What it says is looked at only where nothing is drawn. */
class ExamplesTest {
    private static Path file = Path.of("");

    @BeforeAll
    static void fetch() {
        file = ExampleModel.file();
    }

    @Test
    void terminalChatAnswersEachLine() throws IOException {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        BufferedReader lines =
                new BufferedReader(new StringReader("What is the capital of France?\nSay yes.\n\nnever\n"));
        try (LanguageModel model = LanguageModel.load(file);
                Session session = model.newSession();
                PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8)) {
            TerminalChat.chat(session, lines, out);
        }
        assertThat(bytes.toString(StandardCharsets.UTF_8)).containsPattern("(?s)^> .+\\R> .+\\R> $");
    }

    @Test
    void embeddingSearchFindsTheSameLine() throws IOException {
        List<String> lines = List.of("The harbour was full of ships.", "Bees navigate by the sun.", "2 + 2 = 4");
        EmbeddingOptions mean = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);
        try (EmbeddingModel model = EmbeddingModel.load(file, LoadOptions.DEFAULT, mean)) {
            List<EmbeddingSearch.Hit> hits = EmbeddingSearch.search(model, lines, "Bees navigate by the sun.", 2);
            assertThat(hits).hasSize(2);
            assertThat(hits.getFirst().line()).isEqualTo("Bees navigate by the sun.");
            assertThat(hits.getFirst().similarity()).isCloseTo(1, within(1e-3));
            assertThat(hits.getLast().similarity()).isLessThan(hits.getFirst().similarity());
        }
    }

    @Test
    void rerankingRatesEveryLine(@TempDir Path folder) throws IOException {
        Path reranker = folder.resolve("reranker.gguf");
        TinyEncoders.write("bert-rank", 1, reranker);
        List<String> lines = List.of("Bees navigate by the sun.", "2 + 2 = 4", "Bears eat honey.");
        try (RerankModel model = RerankModel.load(reranker)) {
            assertThat(Reranking.rank(model, "How do bees find home?", lines))
                    .hasSameSizeAs(lines)
                    .isSortedAccordingTo(Comparator.comparingDouble(rated -> -rated.score()))
                    .extracting(Reranking.Rated::line)
                    .containsExactlyInAnyOrderElementsOf(lines);
        }
    }

    @Test
    void chooseAnswerPrefersTheTruth() throws IOException {
        try (LanguageModel model = LanguageModel.load(file)) {
            List<ChooseAnswer.Scored> ranked =
                    ChooseAnswer.rank(model, "The capital of France is", List.of(" Rome", " Paris", " cheese"));
            assertThat(ranked).extracting(ChooseAnswer.Scored::answer).startsWith(" Paris");
            assertThat(ranked)
                    .allSatisfy(one -> assertThat(one.meanLogProbability()).isNegative());
        }
    }
}
