package dev.nibble.server;

import dev.nibble.json.JsonReader;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.openai.OpenAiErrors;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * {@code GET /openapi.json}: what may be sent and what is answered. It is put together from a file for each dialect, which says
 * nothing that is the same for all: what else a request may be answered with, and further paths of the same endpoint.
 */
final class OpenApi {
    private static final List<String> DIALECTS = List.of("openai", "ollama", "anthropic", "llamacpp");

    private static final Map<Integer, String> ERRORS = Map.of(
            400, "The request is wrong, or its prompt is longer than the context: the message says what and where.",
            401, "A key is needed, or it is wrong.",
            403, "Who asks may not: a page of another site, or by a name that is not the server's.",
            404, "There is no such model.",
            408, "The body did not come in time.",
            413, "The body is larger than the limit, which the message says.",
            500, "It went wrong here; the log of the server says more.",
            501, "That is not done here; the message says why.",
            503, "Too much is asked for now, or the server shuts down: Retry-After says when to come again.");

    private static final List<Integer> ALWAYS = List.of(400, 401, 403, 500, 503);
    private static final List<Integer> WITH_BODY = List.of(404, 408, 413);
    private static final int NOT_SUPPORTED = 501;

    private byte @Nullable [] document; // made when it is first asked for; to make it twice does no harm

    private OpenApi() {}

    static void addTo(Router router) {
        OpenApi api = new OpenApi();
        router.add("GET", "/openapi.json", Needs.NOTHING, OpenAiErrors.FORM, api::send);
    }

    private void send(Call call, String rest) throws IOException {
        byte[] bytes = document;
        if (bytes == null) {
            bytes = Json.bytes(document());
            document = bytes;
        }
        call.bytes(200, "application/json", bytes);
    }

    /** The description as JSON. */
    static Map<String, Object> document() throws IOException {
        Map<String, Object> document = read("base");
        String version = OpenApi.class.getPackage().getImplementationVersion();
        if (version != null) {
            object(document, "info").put("version", version);
        }
        Map<String, Object> schemas = object(object(document, "components"), "schemas");
        Map<String, Object> paths = new LinkedHashMap<>();
        addPaths(document, "Server", "OpenAiError", paths);
        document.remove("same");
        for (String name : DIALECTS) {
            Map<String, Object> dialect = read(name);
            schemas.putAll(object(dialect, "schemas"));
            addPaths(dialect, text(dialect, "tag"), text(dialect, "error"), paths);
        }
        document.put("paths", paths);
        return document;
    }

    private static void addPaths(Map<String, Object> dialect, String tag, String error, Map<String, Object> paths) {
        Map<String, Object> own = object(dialect, "paths");
        own.forEach((path, item) -> paths.put(path, item(copy(item), tag, error, "")));
        Map<String, Object> same = object(dialect, "same");
        same.forEach((path, of) ->
                paths.put(path, item(object(own, String.valueOf(of)), tag, error, path.replace('/', '_'))));
    }

    /** A path with all that its operations may be answered with. */
    private static Map<String, Object> item(Map<String, Object> item, String tag, String error, String suffix) {
        Map<String, Object> whole = new LinkedHashMap<>();
        item.forEach((method, operation) -> whole.put(
                method, method.equals("parameters") ? operation : operation(copy(operation), tag, error, suffix)));
        return whole;
    }

    private static Map<String, Object> operation(
            Map<String, Object> operation, String tag, String error, String suffix) {
        operation.put("operationId", text(operation, "operationId") + suffix);
        operation.put("tags", List.of(tag));
        Map<String, Object> responses = new LinkedHashMap<>();
        if (operation.get("responses") instanceof Map<?, ?> own) {
            own.forEach((status, response) -> responses.put(String.valueOf(status), response));
        }
        TreeSet<Integer> errors = new TreeSet<>(ALWAYS);
        if (operation.containsKey("requestBody")) {
            errors.addAll(WITH_BODY);
        }
        if (operation.remove("refused") != null) {
            errors.add(NOT_SUPPORTED);
        }
        if (operation.remove("errors") instanceof List<?> more) {
            more.forEach(status -> errors.add(Integer.valueOf(String.valueOf(status))));
        }
        errors.forEach(status -> responses.put(String.valueOf(status), failure(status, error)));
        operation.put("responses", responses);
        return operation;
    }

    private static Map<String, Object> failure(int status, String error) {
        Map<String, Object> failure = Json.object(
                "description",
                ERRORS.get(status),
                "content",
                Json.object(
                        "application/json",
                        Json.object("schema", Json.object("$ref", "#/components/schemas/" + error))));
        if (status == 503) {
            failure.put(
                    "headers",
                    Json.object(
                            "Retry-After",
                            Json.object("description", "Seconds.", "schema", Json.object("type", "integer"))));
        }
        return failure;
    }

    /** A member that is an object and can be changed. */
    private static Map<String, Object> object(Map<String, Object> holder, String name) {
        Map<String, Object> own = copy(Objects.requireNonNull(holder.get(name), name));
        holder.put(name, own);
        return own;
    }

    private static Map<String, Object> copy(Object value) {
        Map<String, Object> copy = new LinkedHashMap<>();
        ((Map<?, ?>) value).forEach((name, item) -> copy.put(String.valueOf(name), item));
        return copy;
    }

    private static String text(Map<String, Object> holder, String name) {
        return String.valueOf(holder.get(name));
    }

    private static Map<String, Object> read(String name) throws IOException {
        try (InputStream in = OpenApi.class.getResourceAsStream("openapi/" + name + ".json")) {
            String text = new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
            return copy(JsonReader.read(text, name + ".json"));
        }
    }
}
