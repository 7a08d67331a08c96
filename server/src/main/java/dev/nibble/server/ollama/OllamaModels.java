package dev.nibble.server.ollama;

import dev.nibble.LanguageModel;
import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import dev.nibble.model.StringArray;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.RequestException.Kind;
import dev.nibble.server.work.ModelFacts;
import dev.nibble.server.work.Models;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** What Ollama tells of models, and what it does with them. */
final class OllamaModels {
    private final Models models;

    OllamaModels(Models models) {
        this.models = models;
    }

    /** The model that a request names, or fails so that a client knows to pull it. */
    ModelEntry require(Fields fields) throws IOException {
        String name = fields.string("model");
        if (name == null) {
            name = fields.string("name");
        }
        if (name == null || name.isEmpty()) {
            throw RequestException.invalid("model", "model is required");
        }
        String asked = name;
        return models.find(asked)
                .orElseThrow(() -> RequestException.of(
                        Kind.UNKNOWN_MODEL, "model \"" + asked + "\" not found, try pulling it first"));
    }

    ModelFacts facts(ModelEntry entry) throws IOException {
        return models.facts(entry);
    }

    /** What the model can do. */
    List<String> capabilities(ModelEntry entry) throws IOException {
        ModelFacts facts = facts(entry);
        List<String> can = new ArrayList<>();
        if (facts.embeds() || entry.pooling().isPresent()) {
            can.add("embedding");
        }
        if (facts.generates()) {
            can.add("completion");
            if (template(entry).contains("tools")) {
                can.add("tools");
            }
            if (thinks(entry)) {
                can.add("thinking");
            }
            if (facts.infills()) {
                can.add("insert");
            }
        }
        return can;
    }

    /** Whether the model's template knows thinking. */
    boolean thinks(ModelEntry entry) throws IOException {
        String template = template(entry);
        return template.contains("<think>")
                || template.contains("enable_thinking")
                || template.contains("reasoning_effort");
    }

    private String template(ModelEntry entry) throws IOException {
        return entry.template().isPresent()
                ? entry.template().get().source()
                : facts(entry).template();
    }

    void tags(Call call, String rest) throws IOException {
        List<Object> list = new ArrayList<>();
        for (ModelEntry entry : models.all()) {
            Map<String, Object> model = described(entry);
            model.put("modified_at", time(facts(entry).modified()));
            model.put("capabilities", capabilities(entry));
            list.add(model);
        }
        call.json(200, Json.object("models", list));
    }

    void running(Call call, String rest) throws IOException {
        Map<String, Map<String, Object>> list = new LinkedHashMap<>();
        for (Models.Loaded loaded : models.loaded()) {
            Map<String, Object> model = described(loaded.entry());
            boolean never = loaded.expires().equals(Instant.MAX);
            model.put("expires_at", time(never ? Instant.parse("2318-01-01T00:00:00Z") : loaded.expires()));
            model.put("size_vram", 0);
            model.put(
                    "context_length",
                    loaded.entry()
                            .load()
                            .contextLength()
                            .orElse(facts(loaded.entry()).contextLength()));
            list.put(loaded.entry().name(), model);
        }
        call.json(200, Json.object("models", new ArrayList<>(list.values())));
    }

    private Map<String, Object> described(ModelEntry entry) throws IOException {
        ModelFacts facts = facts(entry);
        String name = entry.name().contains(":") ? entry.name() : entry.name() + ":latest";
        return Json.object(
                "name", name,
                "model", name,
                "size", facts.bytes(),
                "digest", digest(entry, facts),
                "details", details(facts));
    }

    private static Map<String, Object> details(ModelFacts facts) {
        return Json.object(
                "parent_model", "",
                "format", "gguf",
                "family", facts.architecture(),
                "families", List.of(facts.architecture()),
                "parameter_size", facts.size(),
                "quantization_level", facts.quantization(),
                "context_length", facts.contextLength(),
                "embedding_length", facts.embeddingLength());
    }

    /** A name for the state of the file; to hash all of it would take long. */
    private static String digest(ModelEntry entry, ModelFacts facts) {
        String state = entry.file() + " " + facts.bytes() + " " + facts.modified();
        try {
            byte[] hash = MessageDigest.getInstance("SHA-256").digest(state.getBytes(StandardCharsets.UTF_8));
            return HexFormat.of().formatHex(hash);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e); // every Java has it
        }
    }

    static String time(Instant instant) {
        return OffsetDateTime.ofInstant(instant, ZoneOffset.UTC).toString();
    }

    void show(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        ModelEntry entry = require(fields);
        ModelFacts facts = facts(entry);
        StringBuilder parameters = new StringBuilder();
        entry.generation()
                .stop()
                .forEach(stop -> parameters.append("stop    \"").append(stop).append("\"\n"));
        if (entry.generation().setsTemperature()) {
            parameters
                    .append("temperature    ")
                    .append(entry.generation().temperature())
                    .append('\n');
        }
        // Editors look for this word where they fill in.
        String template = template(entry) + (facts.infills() ? "{#- .Suffix -#}" : "");
        String license = facts.metadata().optionalString("general.license");
        call.json(
                200,
                Json.object(
                        "license", license == null ? "" : license,
                        "modelfile", "FROM " + entry.file(),
                        "parameters", parameters.toString(),
                        "template", template,
                        "system", entry.system().orElse(""),
                        "details", details(facts),
                        "model_info", information(entry, facts, fields.bool("verbose", false)),
                        "capabilities", capabilities(entry),
                        "modified_at", time(facts.modified())));
    }

    private static Map<String, Object> information(ModelEntry entry, ModelFacts facts, boolean verbose)
            throws IOException {
        if (!verbose) {
            return information(facts, facts.metadata(), false);
        }
        try (ModelSource source = LanguageModel.open(entry.file())) { // long arrays lie in the file
            return information(facts, source.metadata(), true);
        }
    }

    private static Map<String, Object> information(ModelFacts facts, Metadata metadata, boolean verbose) {
        Map<String, Object> information = new LinkedHashMap<>();
        information.put("general.architecture", facts.architecture());
        information.put("general.parameter_count", facts.parameters());
        for (String key : metadata.keys()) {
            Object value = metadata.get(key);
            if (!key.startsWith("tokenizer.chat_template")) {
                information.put(key, Json.orNull(value(value, verbose)));
            }
        }
        return information;
    }

    private static @Nullable Object value(@Nullable Object value, boolean verbose) {
        return switch (value) {
            case null -> null;
            case Double number -> Json.number(number);
            case Long number -> number;
            case Boolean bool -> bool;
            case String text -> text;
            case StringArray texts
            when verbose -> {
                List<Object> list = new ArrayList<>(texts.size());
                for (int i = 0; i < texts.size(); i++) {
                    list.add(texts.get(i));
                }
                yield list;
            }
            case long[] numbers
            when verbose -> {
                List<Object> list = new ArrayList<>(numbers.length);
                for (long number : numbers) {
                    list.add(number);
                }
                yield list;
            }
            default -> null;
        };
    }

    /** A model that is there needs no fetching. */
    void pull(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        try {
            require(fields);
        } catch (RequestException e) {
            if (e.kind() == Kind.UNKNOWN_MODEL) {
                throw RequestException.of(
                        Kind.FORBIDDEN,
                        "this server does not fetch models; use 'nibble pull' and restart it with the model");
            }
            throw e;
        }
        if (!fields.bool("stream", true)) {
            call.json(200, Json.object("status", "success"));
            return;
        }
        AnswerStreamWriter out = call.stream(Format.LINES);
        out.data(Json.object("status", "pulling manifest"));
        out.data(Json.object("status", "verifying sha256 digest"));
        out.data(Json.object("status", "writing manifest"));
        out.last(Json.object("status", "success"));
    }
}
