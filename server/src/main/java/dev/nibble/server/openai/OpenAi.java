package dev.nibble.server.openai;

import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.work.Work;

/** The routes of OpenAI. */
public final class OpenAi {
    private OpenAi() {}

    /** Adds them. */
    public static void addTo(Router router, Work work) {
        OpenAiErrors errors = OpenAiErrors.FORM;
        ModelList models = new ModelList(work.models());
        ChatCompletions chat = new ChatCompletions(work);
        Completions completions = new Completions(work);
        Embeddings embeddings = new Embeddings(work);
        Responses responses = new Responses(work);
        router.add("GET", "/v1/models", Needs.KEY, errors, models::all)
                .add("GET", "/v1/models/*", Needs.KEY, errors, models::one)
                .add("GET", "/models", Needs.KEY, errors, models::all)
                .add("POST", "/v1/chat/completions", Needs.WORK, errors, chat::handle)
                .add("POST", "/chat/completions", Needs.WORK, errors, chat::handle)
                .add("POST", "/v1/responses", Needs.WORK, errors, responses::handle)
                .add("POST", "/responses", Needs.WORK, errors, responses::handle)
                .add("POST", "/v1/completions", Needs.WORK, errors, completions::handle)
                .add("POST", "/v1/embeddings", Needs.WORK, errors, embeddings::handle);
    }
}
