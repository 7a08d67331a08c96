package dev.nibble.server.llamacpp;

import dev.nibble.model.Model.Pooling;
import dev.nibble.server.http.AnswerStreamWriter;
import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.ErrorForm;
import dev.nibble.server.http.Fields;
import dev.nibble.server.http.Json;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.openai.Embeddings;
import dev.nibble.server.openai.OpenAiErrors;
import dev.nibble.server.work.Lease;
import dev.nibble.server.work.Prompt;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** The routes of llama.cpp's server that no other has. */
public final class LlamaCpp {
    /** {@code {"error":{"code":400,"message","type"}}}: as OpenAI's, but that the code is the status. */
    private static final ErrorForm ERRORS = new ErrorForm() {
        @Override
        public Object body(RequestException error, String requestId) {
            @SuppressWarnings("unchecked")
            Map<String, Object> body = (Map<String, Object>) OpenAiErrors.FORM.body(error, requestId);
            @SuppressWarnings("unchecked")
            Map<String, Object> inner = (Map<String, Object>) body.get("error");
            if (inner != null) {
                inner.put("code", status(error));
            }
            return body;
        }

        @Override
        public void inStream(AnswerStreamWriter stream, RequestException error, String requestId) {
            stream.data(body(error, requestId));
        }
    };

    private final Work work;

    private LlamaCpp(Work work) {
        this.work = work;
    }

    /** Which of the routes that tell of the server are there. */
    public record Shown(boolean slots, boolean metrics) {}

    /** Adds them. */
    public static void addTo(Router router, Work work, Shown shown) {
        LlamaCpp own = new LlamaCpp(work);
        Facts facts = new Facts(work, shown);
        Tokens tokens = new Tokens(work);
        OwnCompletion completion = new OwnCompletion(work);
        Reranking reranking = new Reranking(work);
        Router.Handler refusal = Router.refusing("this server has nothing of that kind");
        router.add("GET", "/props", Needs.KEY, ERRORS, facts::props)
                .add(
                        "GET",
                        "/slots",
                        Needs.KEY,
                        ERRORS,
                        shown.slots() ? facts::slots : Router.refusing("turned off where the server was started"))
                .add(
                        "GET",
                        "/metrics",
                        Needs.KEY,
                        ERRORS,
                        shown.metrics() ? facts::metrics : Router.refusing("turned off where the server was started"))
                .add("POST", "/tokenize", Needs.WORK, ERRORS, tokens::tokenize)
                .add("POST", "/detokenize", Needs.WORK, ERRORS, tokens::detokenize)
                .add("POST", "/apply-template", Needs.WORK, ERRORS, tokens::template)
                .add("POST", "/chat/completions/input_tokens", Needs.WORK, ERRORS, tokens::count)
                .add("POST", "/v1/chat/completions/input_tokens", Needs.WORK, ERRORS, tokens::count)
                .add("POST", "/completion", Needs.WORK, ERRORS, completion::complete)
                .add("POST", "/completions", Needs.WORK, ERRORS, completion::complete)
                .add("POST", "/infill", Needs.WORK, ERRORS, completion::infill)
                .add("POST", "/embedding", Needs.WORK, ERRORS, own::embeddings)
                .add("POST", "/embeddings", Needs.WORK, ERRORS, own::embeddings)
                .add("POST", "/props", Needs.KEY, ERRORS, refusal)
                .add("POST", "/slots/*", Needs.KEY, ERRORS, refusal)
                .add("POST", "/rerank", Needs.WORK, ERRORS, reranking::handle)
                .add("POST", "/v1/rerank", Needs.WORK, ERRORS, reranking::handle)
                .add("POST", "/reranking", Needs.WORK, ERRORS, reranking::handle)
                .add("POST", "/lora-adapters", Needs.KEY, ERRORS, refusal)
                .add("GET", "/lora-adapters", Needs.KEY, ERRORS, refusal);
    }

    /** Embeddings in llama.cpp's own form: an array, each with an array of rows. */
    private void embeddings(Call call, String rest) throws IOException {
        Fields fields = call.fields();
        List<Prompt> texts = Embeddings.inputs(fields, fields.has("content") ? "content" : "input");
        try (Lease lease = work.embedding(work.models().requireOrOnly(fields.string("model")))) {
            call.stream(Format.JSON);
            List<Object> list = new ArrayList<>();
            if (lease.embedding().pooling() == Pooling.NONE) { // a row for each token
                for (Prompt prompt : texts) {
                    if (!(prompt instanceof Prompt.Text text)) {
                        throw RequestException.unsupported(
                                "input", "where each token has an embedding it has to be text");
                    }
                    list.add(rows(list.size(), work.embedTokens(call, lease, text.text())));
                }
            } else {
                for (float[] vector : work.embedAll(call, lease, texts).vectors()) {
                    list.add(rows(list.size(), List.of(vector)));
                }
            }
            call.json(200, list);
        }
    }

    private static Object rows(int index, List<float[]> rows) {
        return Json.object(
                "index", index, "embedding", rows.stream().map(Embeddings::list).toList());
    }
}
