package dev.nibble.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.LoadOptions;
import dev.nibble.RerankModel;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "rerank",
        description = "Says how well documents answer a query, the best first.",
        footer = {
            "",
            "The model has to be a reranker: bge-reranker, jina-reranker, gte-reranker-modernbert, Qwen3-Reranker. A line of "
                    + "output is a JSON object with the score and the document; with --lines it is an array of all outputs of "
                    + "the model for the pair of that line.",
            "",
            "Examples:",
            "  nibble rerank -m model.gguf \"How do bees find home?\" \"Bees navigate by the sun.\" \"Bears eat honey.\"",
            "  nibble rerank -m model.gguf --lines pairs.jsonl    [\"query\", \"document\"] a line in, an array a line out"
        })
final class RerankCommand extends ModelCommand {
    /** Documents rated before their results are printed. */
    private static final int AT_ONCE = 64;

    @Mixin
    private final ModelOption model = new ModelOption();

    @Parameters(
            paramLabel = "[MODEL] [QUERY DOCUMENT...]",
            arity = "0..*",
            hideParamSyntax = true,
            description = "The model, unless -m names it, the query, and the documents.")
    private List<String> arguments = List.of();

    @Option(
            names = "--lines",
            paramLabel = "F",
            description = "Take a JSON array of a query and a document from each line of a file, - for standard input.")
    private @Nullable Path lines;

    @Override
    void execute() throws IOException {
        ModelOption.Arguments named = model.withModel(arguments);
        List<String> texts = named.texts();
        if (lines != null && !texts.isEmpty()) {
            throw new UsageException("give a query with documents, or --lines, not both");
        }
        if (lines == null && texts.size() < 2) {
            throw new UsageException("give a query and at least one document, or --lines");
        }
        List<JsonLines.Pair> pairs =
                lines == null ? List.of() : JsonLines.pairs(lines, streams().in());
        try (RerankModel loaded = load(String.valueOf(named.model()))) {
            if (lines == null) {
                printSorted(loaded, texts.getFirst(), texts.subList(1, texts.size()));
            } else {
                printAll(loaded, pairs);
            }
        }
    }

    private void printSorted(RerankModel loaded, String query, List<String> documents) throws IOException {
        float[] scores = loaded.scores(query, documents);
        List<Integer> order = IntStream.range(0, scores.length)
                .boxed()
                .sorted(Comparator.comparingDouble(i -> -scores[i]))
                .toList();
        for (int i : order) {
            Map<String, Object> line = new LinkedHashMap<>();
            line.put("score", scores[i]);
            line.put("document", documents.get(i));
            out().println(JSON.std.asString(line));
        }
    }

    /** Neighbours with the same query are rated together. */
    private void printAll(RerankModel loaded, List<JsonLines.Pair> pairs) {
        for (int from = 0; from < pairs.size(); ) {
            String query = pairs.get(from).first();
            int to = from;
            while (to < pairs.size()
                    && to < from + AT_ONCE
                    && pairs.get(to).first().equals(query)) {
                to++;
            }
            List<String> documents =
                    pairs.subList(from, to).stream().map(JsonLines.Pair::second).toList();
            for (float[] outputs : loaded.outputs(query, documents)) {
                out().println(JsonLines.array(outputs));
            }
            from = to;
        }
    }

    private RerankModel load(String locator) throws IOException {
        return load(
                open(locator),
                UnaryOperator.identity(),
                LoadOptions.DEFAULT,
                RerankModel::load,
                RerankModel::backendDescription);
    }
}
