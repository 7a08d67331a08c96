package dev.nibble.server.llamacpp;

import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.openai.Embeddings;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Models;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

/** {@code POST /v1/rerank}: documents by how well they answer a query, the best first. */
final class Reranking {
    private final Work work;

    Reranking(Work work) {
        this.work = work;
    }

    void handle(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        String query = fields.requireString("query");
        boolean bare = fields.has("texts"); // as text-embeddings-inference has it
        List<String> documents = documents(fields, bare ? "texts" : "documents");
        int most = fields.integer("top_n").orElse(documents.size());
        if (most < 0) {
            throw RequestException.invalid("top_n", "'top_n' must be 0 or more, not " + most);
        }
        boolean texts = fields.bool(bare ? "return_text" : "return_documents", false);
        try (Lease lease =
                work.models().lease(work.models().requireOrOnly(fields.string("model")), Models.Use.RERANKING)) {
            call.stream(Format.JSON);
            Work.Ranked ranked = work.rank(call, lease, query, documents);
            float[] scores = ranked.scores();
            List<Object> results = new ArrayList<>();
            IntStream.range(0, scores.length)
                    .boxed()
                    .sorted(Comparator.comparingDouble(index -> -scores[index]))
                    .limit(most)
                    .forEach(index -> {
                        Map<String, Object> result =
                                Json.object("index", index, bare ? "score" : "relevance_score", scores[index]);
                        if (texts) {
                            result.put(
                                    bare ? "text" : "document",
                                    bare ? documents.get(index) : Json.object("text", documents.get(index)));
                        }
                        results.add(result);
                    });
            call.json(
                    200,
                    bare
                            ? results
                            : Json.object(
                                    "model",
                                    lease.entry().name(),
                                    "object",
                                    "list",
                                    "usage",
                                    Json.object("prompt_tokens", ranked.tokens(), "total_tokens", ranked.tokens()),
                                    "results",
                                    results));
        }
    }

    /** Texts, or objects with one. */
    private static List<String> documents(Fields fields, String name) {
        List<Object> array = fields.array(name);
        if (array.stream().noneMatch(Map.class::isInstance)) {
            return Embeddings.texts(fields, name);
        }
        return fields.objects(name).stream()
                .map(document -> document.requireString("text"))
                .toList();
    }
}
