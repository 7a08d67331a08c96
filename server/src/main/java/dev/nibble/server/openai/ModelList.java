package dev.nibble.server.openai;

import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.work.ModelFacts;
import dev.nibble.server.work.Models;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** {@code GET /v1/models}; it neither loads nor waits for anything. */
public final class ModelList {
    private final Models models;

    /** Of these models. */
    public ModelList(Models models) {
        this.models = models;
    }

    /** Lists all; in Anthropic's form for those that say its version. */
    public void all(Call call, String rest) throws IOException {
        List<Object> data = new ArrayList<>();
        if (call.header("anthropic-version") != null) {
            for (ModelEntry entry : models.all()) {
                data.add(Json.object(
                        "type", "model",
                        "id", entry.name(),
                        "display_name", entry.name(),
                        "created_at", models.facts(entry).modified().toString()));
            }
            call.json(200, Json.object("data", data, "has_more", false, "first_id", null, "last_id", null));
            return;
        }
        for (ModelEntry entry : models.all()) {
            data.add(model(entry));
        }
        call.json(200, Json.object("object", "list", "data", data));
    }

    /** Tells of one. */
    public void one(Call call, String name) throws IOException {
        call.json(200, model(models.require(name)));
    }

    private Map<String, Object> model(ModelEntry entry) throws IOException {
        ModelFacts facts = models.facts(entry);
        return Json.object(
                "id", entry.name(),
                "object", "model",
                "created", facts.modified().getEpochSecond(),
                "owned_by", "nibble",
                "aliases",
                        Stream.concat(Stream.of(entry.name()), entry.aliases().stream())
                                .distinct()
                                .toList(),
                "tags", entry.tags(),
                "meta",
                        Json.object(
                                "n_vocab", facts.vocabulary(),
                                "n_ctx_train", facts.contextLength(),
                                "n_embd", facts.embeddingLength(),
                                "n_params", facts.parameters(),
                                "size", facts.bytes()));
    }
}
