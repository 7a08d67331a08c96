package dev.nibble.server;

import dev.nibble.server.http.Call;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.RequestException.Kind;
import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.openai.OpenAiErrors;
import java.io.IOException;
import java.io.InputStream;
import java.util.HexFormat;
import java.util.Map;
import java.util.zip.CRC32;

/**
 * The chat page: files from this module, which load nothing from elsewhere. Its policy lets no script run that is not among them,
 * so that nothing a model writes can.
 */
final class Page {
    private static final String POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
            + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    private static final Map<String, String> FILES = Map.of(
            "index.html", "text/html; charset=utf-8",
            "page.css", "text/css; charset=utf-8",
            "page.js", "text/javascript; charset=utf-8",
            "api.js", "text/javascript; charset=utf-8",
            "markdown.js", "text/javascript; charset=utf-8",
            "settings.js", "text/javascript; charset=utf-8",
            "store.js", "text/javascript; charset=utf-8",
            "view.js", "text/javascript; charset=utf-8");

    private Page() {}

    /**
     * Adds the routes; without the page, only what Ollama's clients look for at {@code /}.
     *
     * @param isOllama whether the server listens where programs look for Ollama
     */
    static void addTo(Router router, boolean shown, boolean isOllama) {
        router.add("GET", "/", Needs.NOTHING, OpenAiErrors.FORM, (call, rest) -> home(call, shown, isOllama));
        if (shown) {
            for (String name : FILES.keySet()) {
                router.add("GET", "/" + name, Needs.NOTHING, OpenAiErrors.FORM, (call, rest) -> send(call, name));
            }
        }
    }

    /** Who asks for a page gets it, and clients of Ollama what they look for; others as if they were these at Ollama's port. */
    private static void home(Call call, boolean shown, boolean isOllama) throws IOException {
        String accept = call.header("Accept");
        String agent = call.header("User-Agent");
        boolean wantsPage = shown && accept != null && accept.contains("text/html");
        if (!wantsPage && (isOllama || agent != null && agent.startsWith("ollama"))) {
            call.text(200, "text/plain; charset=utf-8", "Ollama is running");
        } else if (shown) {
            send(call, "index.html");
        } else {
            throw RequestException.of(Kind.UNKNOWN_PATH, "there is no page here; the API is under /v1");
        }
    }

    private static void send(Call call, String name) throws IOException {
        byte[] bytes;
        try (InputStream in = Page.class.getResourceAsStream("page/" + name)) {
            if (in == null) {
                throw RequestException.of(Kind.UNKNOWN_PATH, "there is no " + name);
            }
            bytes = in.readAllBytes();
        }
        CRC32 sum = new CRC32();
        sum.update(bytes);
        String tag = "\"" + HexFormat.of().toHexDigits((int) sum.getValue()) + "\"";
        call.answerHeader("ETag", tag);
        call.answerHeader("Cache-Control", "no-cache");
        call.answerHeader("Vary", "Accept");
        call.answerHeader("Content-Security-Policy", POLICY);
        call.answerHeader("X-Content-Type-Options", "nosniff");
        call.answerHeader("Referrer-Policy", "no-referrer");
        if (tag.equals(call.header("If-None-Match"))) {
            call.bytes(304, String.valueOf(FILES.get(name)), new byte[0]);
        } else {
            call.bytes(200, String.valueOf(FILES.get(name)), bytes);
        }
    }
}
