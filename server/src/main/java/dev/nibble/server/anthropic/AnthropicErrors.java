package dev.nibble.server.anthropic;

import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.ErrorForm;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;

/** Errors as Anthropic says them: {@code {"type":"error","error":{"type","message"}}}. */
final class AnthropicErrors implements ErrorForm {
    static final AnthropicErrors FORM = new AnthropicErrors();

    private AnthropicErrors() {}

    @Override
    public Object body(RequestException error, String requestId) {
        String type = switch (error.kind()) {
            case UNAUTHORIZED -> "authentication_error";
            case FORBIDDEN -> "permission_error";
            case UNKNOWN_MODEL, UNKNOWN_PATH -> "not_found_error";
            case TOO_LARGE -> "request_too_large";
            case BUSY -> "overloaded_error";
            case INTERNAL -> "api_error";
            default -> "invalid_request_error";
        };
        return Json.object(
                "type",
                "error",
                "error",
                Json.object("type", type, "message", error.message()),
                "request_id",
                requestId);
    }

    @Override
    public void inStream(AnswerStreamWriter stream, RequestException error, String requestId) {
        stream.event("error", body(error, requestId));
    }
}
