package dev.nibble.server.ollama;

import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.openai.Embeddings;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

/** {@code POST /api/embed} and the older {@code POST /api/embeddings}. */
final class OllamaEmbeddings {
    private final Work work;
    private final OllamaModels models;

    OllamaEmbeddings(Work work, OllamaModels models) {
        this.work = work;
        this.models = models;
    }

    void many(Call call, String rest) throws IOException {
        long start = System.nanoTime();
        Fields fields = call.fields();
        ModelEntry entry = models.require(fields);
        try (Lease lease = work.embedding(entry).keeping(OllamaOptions.keepAlive(fields))) {
            List<String> texts = Embeddings.texts(fields, "input");
            int dimensions = Embeddings.dimensions(fields, lease.embedding().dimensions());
            call.stream(Format.JSON);
            Work.Embedded embedded = work.embed(call, lease, texts);
            List<Object> vectors = new ArrayList<>();
            embedded.vectors().forEach(vector -> vectors.add(Embeddings.list(Embeddings.cut(vector, dimensions))));
            call.json(
                    200,
                    Json.object(
                            "model", fields.string("model", entry.name()),
                            "embeddings", vectors,
                            "total_duration", System.nanoTime() - start,
                            "load_duration", lease.loadTime().toNanos(),
                            "prompt_eval_count", embedded.tokens()));
        }
    }

    void one(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        ModelEntry entry = models.require(fields);
        try (Lease lease = work.embedding(entry).keeping(OllamaOptions.keepAlive(fields))) {
            String prompt = fields.requireString("prompt");
            call.stream(Format.JSON);
            float[] vector = work.embed(call, lease, List.of(prompt)).vectors().getFirst();
            call.json(200, Json.object("embedding", Embeddings.list(vector)));
        }
    }
}
