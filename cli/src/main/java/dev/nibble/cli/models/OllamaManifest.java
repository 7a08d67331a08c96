package dev.nibble.cli.models;

import com.fasterxml.jackson.jr.ob.JSON;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A manifest of Ollama: the blobs that make a model, each with a media type {@code application/vnd.ollama.image.KIND}.
 *
 * @param layers in the file's order
 */
record OllamaManifest(List<Layer> layers) {
    private static final String PREFIX = "application/vnd.ollama.image.";
    private static final long MAX_TEXT = 4 << 20;
    /** The kinds that hold text to be read. */
    private static final Set<String> TEXTS = Set.of("system", "params", "messages");
    /** The kinds that are used elsewhere, or change nothing of what a text model says: images cannot be given to it here. */
    private static final Set<String> HARMLESS = Set.of("model", "adapter", "template", "license", "projector");

    /**
     * A blob.
     *
     * @param kind the media type without Ollama's prefix
     * @param hash of the content, or null if the manifest has none that can be one
     * @param size in bytes
     */
    record Layer(String kind, @Nullable Hash hash, long size) {
        Hash requireHash(Locator.Ollama model) throws ModelNotFoundException {
            if (hash == null) {
                throw new ModelNotFoundException(model + ": its manifest gives no valid digest for its " + kind);
            }
            return hash;
        }
    }

    /** Gives the content of a layer. */
    @FunctionalInterface
    interface Content {
        byte[] of(Layer layer) throws IOException;
    }

    /** Reads a manifest; empty if the text is none. */
    static Optional<OllamaManifest> parse(String json) {
        @Nullable Object value;
        try {
            value = JSON.std.anyFrom(json);
        } catch (IOException e) {
            return Optional.empty();
        }
        if (!(value instanceof Map<?, ?> map) || !(map.get("layers") instanceof List<?> items)) {
            return Optional.empty();
        }
        List<Layer> layers = new ArrayList<>();
        for (Object item : items) {
            if (item instanceof Map<?, ?> layer
                    && layer.get("mediaType") instanceof String type
                    && layer.get("size") instanceof Number size) {
                String digest = String.valueOf(layer.get("digest"));
                Hash hash = digest.matches("sha256[:-][0-9a-f]{64}") ? Hash.sha256(digest.substring(7)) : null;
                String kind = type.startsWith(PREFIX) ? type.substring(PREFIX.length()) : type;
                layers.add(new Layer(kind, hash, size.longValue()));
            }
        }
        return Optional.of(new OllamaManifest(layers));
    }

    /** The layer of the model file, if there is one with a digest. */
    Optional<Layer> model() {
        return layers.stream()
                .filter(layer -> layer.kind().equals("model") && layer.hash() != null)
                .findFirst();
    }

    /**
     * Fails if the model is more than one file of weights, adapters aside.
     *
     * @throws ModelNotFoundException that names what is there
     */
    void requireOneFile(Locator.Ollama model) throws ModelNotFoundException {
        long files =
                layers.stream().filter(layer -> layer.kind().equals("model")).count();
        if (files > 1) {
            throw new ModelNotFoundException(
                    model + ": its manifest names " + files + " model files, and only one is expected");
        }
    }

    /** The layers of the adapters that are loaded beside the model, in order. */
    List<Layer> adapters() {
        return layers.stream().filter(layer -> layer.kind().equals("adapter")).toList();
    }

    /** The layers that {@link #defaults} reads. */
    List<Layer> texts() {
        return layers.stream().filter(layer -> TEXTS.contains(layer.kind())).toList();
    }

    /**
     * What the model comes with.
     *
     * @throws ModelNotFoundException if something of it cannot be read
     */
    ModelDefaults defaults(Locator.Ollama model, Content content) throws IOException {
        String system = null;
        List<ModelDefaults.Turn> opening = List.of();
        Map<String, Object> parameters = new LinkedHashMap<>();
        for (Layer layer : texts()) {
            if (layer.size() > MAX_TEXT) {
                throw new ModelNotFoundException(model + ": its " + layer.kind() + " has " + layer.size()
                        + " bytes, more than the " + MAX_TEXT + " that are read");
            }
            String text = new String(content.of(layer), StandardCharsets.UTF_8);
            switch (layer.kind()) {
                case "system" -> system = text.isBlank() ? null : text;
                case "params" -> parameters.putAll(parameters(model, text));
                default -> opening = messages(model, text);
            }
        }
        List<String> unused = layers.stream()
                .map(Layer::kind)
                .filter(kind -> !TEXTS.contains(kind) && !HARMLESS.contains(kind))
                .distinct()
                .toList();
        boolean template = layers.stream().anyMatch(layer -> layer.kind().equals("template"));
        return new ModelDefaults(system, opening, parameters, template, unused);
    }

    private static Map<String, Object> parameters(Locator.Ollama model, String text) throws IOException {
        if (!(json(model, "params", text) instanceof Map<?, ?> map)) {
            throw damaged(model, "params", null);
        }
        Map<String, Object> parameters = new LinkedHashMap<>();
        map.forEach((name, value) -> {
            if (value != null) {
                parameters.put(Objects.toString(name), value);
            }
        });
        return parameters;
    }

    private static List<ModelDefaults.Turn> messages(Locator.Ollama model, String text) throws IOException {
        if (!(json(model, "messages", text) instanceof List<?> list)) {
            throw damaged(model, "messages", null);
        }
        List<ModelDefaults.Turn> messages = new ArrayList<>();
        for (Object item : list) {
            if (!(item instanceof Map<?, ?> map)
                    || !(map.get("role") instanceof String role)
                    || !(map.get("content") instanceof String said)) {
                throw damaged(model, "messages", null);
            }
            if (!Set.of("system", "user", "assistant").contains(role) || map.get("images") != null) {
                throw new ModelNotFoundException(model + ": its messages hold one "
                        + (map.get("images") != null ? "with an image" : "of the role " + role)
                        + ", which is not supported");
            }
            messages.add(new ModelDefaults.Turn(role, said));
        }
        return messages;
    }

    private static @Nullable Object json(Locator.Ollama model, String kind, String text) throws IOException {
        try {
            return JSON.std.anyFrom(text);
        } catch (IOException e) {
            throw damaged(model, kind, e);
        }
    }

    private static ModelNotFoundException damaged(Locator.Ollama model, String kind, @Nullable Throwable cause) {
        String message = model + ": its " + kind + " are not the JSON that Ollama writes";
        return cause == null ? new ModelNotFoundException(message) : new ModelNotFoundException(message, cause);
    }
}
