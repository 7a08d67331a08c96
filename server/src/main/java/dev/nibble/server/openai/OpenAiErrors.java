package dev.nibble.server.openai;

import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.ErrorForm;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import java.util.LinkedHashMap;
import java.util.Map;

/** Errors as OpenAI says them: {@code {"error":{"message","type","param","code"}}}. */
public final class OpenAiErrors implements ErrorForm {
    /** The one. */
    public static final OpenAiErrors FORM = new OpenAiErrors();

    private OpenAiErrors() {}

    @Override
    public Object body(RequestException error, String requestId) {
        Map<String, Object> inner = new LinkedHashMap<>();
        inner.put("message", error.message());
        inner.put("type", type(error));
        inner.put("param", Json.orNull(error.field()));
        inner.put("code", code(error));
        inner.putAll(error.facts());
        return Json.object("error", inner);
    }

    private static String type(RequestException error) {
        return switch (error.kind()) {
            case TOO_LONG_FOR_CONTEXT -> "exceed_context_size_error";
            case UNAUTHORIZED -> "authentication_error";
            case FORBIDDEN -> "permission_error";
            case UNKNOWN_MODEL, UNKNOWN_PATH -> "not_found_error";
            case NOT_SUPPORTED -> "not_supported_error";
            case BUSY -> "unavailable_error";
            case INTERNAL -> "server_error";
            default -> "invalid_request_error";
        };
    }

    private static Object code(RequestException error) {
        return switch (error.kind()) {
            case TOO_LONG_FOR_CONTEXT -> "context_length_exceeded";
            case UNAUTHORIZED -> "invalid_api_key";
            case UNKNOWN_MODEL -> "model_not_found";
            default -> Json.NULL;
        };
    }

    @Override
    public void inStream(AnswerStreamWriter stream, RequestException error, String requestId) {
        stream.last(body(error, requestId));
    }
}
