package dev.nibble.server;

import dev.nibble.server.http.Call;

/** {@code GET /}: what Ollama's clients look for there. */
final class Home {
    private Home() {}

    static void handle(Call call, String rest) {
        call.text(200, "text/plain; charset=utf-8", "Ollama is running");
    }
}
