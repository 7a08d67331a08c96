package dev.nibble.server.ollama;

import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.ErrorForm;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;

/** Errors as Ollama says them: {@code {"error":"text"}}. */
final class OllamaErrors implements ErrorForm {
    static final OllamaErrors FORM = new OllamaErrors();

    private OllamaErrors() {}

    @Override
    public Object body(RequestException error, String requestId) {
        return Json.object("error", error.message());
    }

    @Override
    public void inStream(AnswerStreamWriter stream, RequestException error, String requestId) {
        stream.last(body(error, requestId));
    }
}
