package dev.nibble.server.ollama;

import dev.nibble.server.http.Call;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.work.Work;

/** The routes of Ollama. */
public final class OllamaRoutes {
    /** The version of Ollama whose endpoints these are; clients compare it, so it is a number with points alone. */
    private static final String VERSION = "0.12.3";

    private OllamaRoutes() {}

    /** Adds them. */
    public static void addTo(Router router, Work work) {
        OllamaErrors errors = OllamaErrors.FORM;
        OllamaModels models = new OllamaModels(work.models());
        OllamaAnswers answers = new OllamaAnswers(work, models);
        OllamaEmbeddings embeddings = new OllamaEmbeddings(work, models);
        // What changes models on the disk is left to their owner.
        Router.Handler refusal = Router.refusing("this server does not change the models of the machine");
        router.errors("/api/", errors)
                .add("GET", "/api/version", Needs.KEY, errors, OllamaRoutes::version)
                .add("GET", "/api/tags", Needs.KEY, errors, models::tags)
                .add("POST", "/api/show", Needs.KEY, errors, models::show)
                .add("GET", "/api/ps", Needs.KEY, errors, models::running)
                .add("POST", "/api/chat", Needs.WORK, errors, answers::chat)
                .add("POST", "/api/generate", Needs.WORK, errors, answers::generate)
                .add("POST", "/api/embed", Needs.WORK, errors, embeddings::many)
                .add("POST", "/api/embeddings", Needs.WORK, errors, embeddings::one)
                .add("POST", "/api/pull", Needs.KEY, errors, models::pull)
                .add("POST", "/api/create", Needs.KEY, errors, refusal)
                .add("POST", "/api/copy", Needs.KEY, errors, refusal)
                .add("POST", "/api/push", Needs.KEY, errors, refusal)
                .add("DELETE", "/api/delete", Needs.KEY, errors, refusal)
                .add("POST", "/api/blobs/*", Needs.KEY, errors, refusal)
                .add("GET", "/api/blobs/*", Needs.KEY, errors, refusal);
    }

    private static void version(Call call, String rest) {
        call.json(200, Json.object("version", VERSION));
    }
}
