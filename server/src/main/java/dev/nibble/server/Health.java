package dev.nibble.server;

import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;

/** {@code GET /health}: that the server answers, and nothing else. */
final class Health {
    private Health() {}

    static void handle(Call call, String rest) {
        call.json(200, Json.object("status", "ok"));
    }
}
