package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What llama.cpp's server has of its own. */
class LlamaCppTest {
    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start(builder -> builder.model(
                        ModelEntry.of("filling", TestServer.fillingModel()).withLoad(TestServer.CONTEXT))
                .model("rank", TestServer.ratingModel()));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply complete(String fields) {
        return server.post("/completion", "{'n_predict': 4, 'temperature': 0, " + fields + "}");
    }

    @Test
    void aTextIsContinuedInItsForm() {
        Reply reply = complete("'prompt': 'the cat', 'return_tokens': true, 'n_probs': 2, 'seed': 7");

        assertThat(reply.string("content")).isNotEmpty();
        assertThat(reply.list("tokens")).hasSize(4);
        assertThat(reply.string("stop_type")).isEqualTo("limit");
        assertThat(reply.integer("tokens_predicted")).isEqualTo(4);
        assertThat(reply.integer("timings.predicted_n")).isEqualTo(4);
        assertThat(reply.integer("generation_settings.seed")).isEqualTo(7);
        assertThat(reply.list("completion_probabilities")).hasSize(4);
        List<Object> pieces = complete("'prompt': 'the cat', 'stream': true").pieces();
        assertThat(joined(pieces, "content")).isEqualTo(reply.string("content"));
        assertThat(at(pieces.getLast(), "stop")).isEqualTo(true);
    }

    @Test
    void promptsHaveManyForms() {
        String one = complete("'prompt': 'the cat'").string("content");

        assertThat(complete("'prompt': {'prompt_string': 'the cat'}").string("content"))
                .isEqualTo(one);
        assertThat(complete("'prompt': ['the cat', 'a dog']").string("0.content"))
                .isEqualTo(one);
        List<?> ids = server.post("/tokenize", "{'content': 'the cat'}").list("tokens");
        assertThat(complete("'prompt': " + ids).string("content")).isEqualTo(one);
        assertThat(complete("'prompt': {'prompt_string': 'x', 'multimodal_data': ['x']}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void embeddingsOfTokensAreRows() throws IOException {
        try (TestServer tokens = TestServer.start(builder -> builder.model(
                ModelEntry.of("rows", TestServer.model("llama")).withPooling(dev.nibble.model.Model.Pooling.NONE)))) {
            String text = "'model': 'rows', 'content': 'the cat'";
            int count = tokens.post("/tokenize", "{'content': 'the cat', 'add_special': true}")
                    .list("tokens")
                    .size();

            Reply reply = tokens.post("/embedding", "{" + text + "}");
            Reply openAi = tokens.post("/v1/embeddings", "{'model': 'rows', 'input': 'the cat'}");

            assertThat(reply.status()).as(reply.text()).isEqualTo(200);
            assertThat(reply.list("0.embedding")).hasSize(count);
            assertThat(openAi.status()).isEqualTo(400);
            assertThat(openAi.string("error.message")).contains("NONE").contains("rows");
        }
    }

    @Test
    void onlyTheFieldsAskedForAreTold() {
        Reply reply = complete("'prompt': 'a', 'response_fields': ['content', 'generation_settings/n_predict']");

        assertThat(TestServer.map(List.of(reply.json()), "0").keySet()).isEqualTo(Set.of("content", "n_predict"));
    }

    @Test
    void aBiasMayNameATokenByItsText() {
        String first = complete("'prompt': 'the cat', 'return_tokens': true").string("tokens.0");

        assertThat(complete("'prompt': 'the cat', 'return_tokens': true, 'logit_bias': [[" + first + ", false]]")
                        .string("tokens.0"))
                .isNotEqualTo(first);
        assertThat(complete("'prompt': 'a', 'logit_bias': [['zebras and others', -3]]")
                        .status())
                .isEqualTo(200);
        assertThat(complete("'prompt': 'a', 'logit_bias': {'a': -5}").status()).isEqualTo(200);
    }

    @Test
    void anAnswerEndsWhenItsTimeIsOver() {
        Reply reply = server.post(
                "/completion", "{'prompt': 'a', 'ignore_eos': true, 't_max_predict_ms': 1, 'n_predict': 900}");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.string("stop_type")).isEqualTo("limit");
        assertThat(reply.integer("tokens_predicted")).isLessThan(900);
    }

    @Test
    void whatStandsBetweenIsFilledIn() {
        String files = "'input_extra': [{'filename': 'a.py', 'text': 'x = 1'}]";
        Reply reply = server.post(
                "/infill",
                "{'model': 'filling', 'n_predict': 3, 'input_prefix': 'def f(', 'input_suffix': '): pass', " + files
                        + "}");
        Reply without = server.post(
                "/infill",
                "{'model': 'filling', 'n_predict': 3, 'input_prefix': 'def f(', 'prompt': 'a', 'input_suffix': '', 'n_cmpl': 2}");

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.integer("tokens_predicted")).isEqualTo(3);
        assertThat(without.list("0.tokens")).isEmpty();
        assertThat(reply.integer("tokens_evaluated")).isGreaterThan(without.integer("0.tokens_evaluated"));
        assertThat(server.post("/v1/completions", "{'model': 'filling', 'prompt': 'a', 'suffix': 'b', 'max_tokens': 2}")
                        .status())
                .isEqualTo(200);
        assertThat(server.post(
                                "/api/generate",
                                "{'model': 'filling', 'prompt': 'a', 'suffix': 'b', 'stream': false, 'options': {'num_predict': 2}}")
                        .status())
                .isEqualTo(200);
        assertThat(server.post("/api/show", "{'model': 'filling'}").string("template"))
                .contains(".Suffix");
    }

    @Test
    void aModelThatCannotFillInSaysSo() {
        assertThat(server.post("/infill", "{'input_prefix': 'a', 'input_suffix': 'b'}")
                        .status())
                .isEqualTo(501);
        assertThat(server.post("/v1/completions", "{'prompt': 'a', 'suffix': 'b'}")
                        .status())
                .isEqualTo(400);
        assertThat(server.post("/api/generate", "{'model': 'tiny', 'prompt': 'a', 'suffix': 'b'}")
                        .string("error"))
                .contains("does not support insert");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "'input_extra': [{}]",
                "'input_extra': [{'filename': 'x'}]",
                "'input_extra': 'x'",
                "'input_extra': [{'filename': 1, 'text': 'x'}]",
                "'input_extra': [{'filename': 'x', 'text': 1}]"
            })
    void otherFilesOfAWrongFormAreRefused(String field) {
        assertThat(server.post("/infill", "{'model': 'filling', 'input_prefix': 'a', " + field + "}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void textBecomesTokensAndTokensText() {
        Reply tokens = server.post("/tokenize", "{'content': 'héllo 漢 🙂'}");
        Reply pieces = server.post("/tokenize", "{'content': 'hi 🙂', 'with_pieces': true}");

        assertThat(server.post("/detokenize", "{'tokens': " + tokens.list("tokens") + "}")
                        .string("content"))
                .isEqualTo("héllo 漢 🙂");
        assertThat(pieces.list("tokens"))
                .allSatisfy(one -> assertThat(at(one, "piece")).isNotNull());
        assertThat(server.post("/detokenize", "{'tokens': [9999999]}").status()).isEqualTo(400);
        assertThat(server.post("/tokenize", "{}").list("tokens")).isEmpty();
    }

    @Test
    void aConversationBecomesItsPrompt() {
        Reply reply = server.post("/apply-template", "{'messages': [{'role': 'user', 'content': 'hi'}]}");

        assertThat(reply.string("prompt")).isEqualTo("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n");
        assertThat(server.post("/v1/chat/completions/input_tokens", "{'messages': [{'role': 'user', 'content': 'hi'}]}")
                        .integer("input_tokens"))
                .isPositive();
    }

    @Test
    void theServerTellsOfItself() {
        Reply props = server.get("/props");
        assertThat(props.string("model_path")).contains(".gguf");
        assertThat(props.integer("default_generation_settings.n_ctx")).isEqualTo(1024);
        assertThat(server.get("/props?model=filling").string("model_alias")).isEqualTo("filling");
        assertThat(server.get("/slots").text()).doesNotContain("prompt");
        assertThat((List<?>) server.get("/slots").json()).hasSize(8);
        complete("'prompt': 'a'");
        String metrics = server.get("/metrics").text();
        for (String name : List.of(
                "llamacpp:prompt_tokens_total",
                "llamacpp:tokens_predicted_total",
                "llamacpp:requests_processing",
                "gen_ai_server_time_to_first_token_seconds")) {
            assertThat(metrics).contains("# HELP " + name + " ").contains("# TYPE " + name + " ");
        }
        assertThat(metrics.lines().filter(line -> !line.startsWith("#")))
                .allSatisfy(line -> assertThat(line).matches("[a-zA-Z_:]+(\\{[^}]*})? -?\\d[\\d.E+-]*"));
    }

    @Test
    void embeddingsHaveItsForm() {
        Reply reply = server.post("/embedding", "{'model': 'embed', 'content': ['a', 'b']}");

        assertThat((List<?>) reply.json()).hasSize(2);
        assertThat(reply.at("0.embedding.0")).isInstanceOf(List.class);
    }

    @Test
    void documentsAreRated() {
        String documents = "['a cat', 'a dog', 'rain']";
        Reply reply = server.post("/v1/rerank", "{'model': 'rank', 'query': 'cats', 'documents': " + documents + "}");
        Reply bare = server.post(
                "/rerank",
                "{'model': 'rank', 'query': 'cats', 'texts': " + documents + ", 'top_n': 2, 'return_text': true}");

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        List<Double> scores = reply.list("results").stream()
                .map(result -> Double.parseDouble(String.valueOf(at(result, "relevance_score"))))
                .toList();
        assertThat(scores).hasSize(3).isSortedAccordingTo(java.util.Comparator.reverseOrder());
        assertThat(reply.integer("usage.prompt_tokens")).isPositive();
        assertThat((List<?>) bare.json()).hasSize(2);
        assertThat(bare.string("0.index")).isEqualTo(reply.string("results.0.index"));
        assertThat(bare.string("0.text")).isNotEmpty();
        for (String wrong : List.of(
                "'query': 'a'",
                "'documents': ['a']",
                "'query': 'a', 'documents': []",
                "'query': 1, 'documents': ['a']",
                "'query': 'a', 'documents': [1]")) {
            assertThat(server.post("/rerank", "{'model': 'rank', " + wrong + "}")
                            .status())
                    .as(wrong)
                    .isEqualTo(400);
        }
        assertThat(server.post("/rerank", "{'model': 'tiny', 'query': 'a', 'documents': ['a']}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void whatIsNotThereIsRefusedByName() {
        Reply adapters = server.get("/lora-adapters");

        assertThat(adapters.status()).isEqualTo(501);
        assertThat(adapters.integer("error.code")).isEqualTo(501);
        assertThat(adapters.string("error.message")).contains("/lora-adapters");
        assertThat(complete("'prompt': 'a', 'mirostat': 2").string("error.message"))
                .contains("mirostat");
        assertThat(complete("'prompt': 'a', 'mirostat': 0, 'dry_multiplier': 0.0")
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aBrowserGetsThePage() {
        Reply page = server.send(server.request("/").header("Accept", "text/html,*/*"));

        assertThat(page.text())
                .contains("<!doctype html>")
                .doesNotContain("http://")
                .doesNotContain("https://");
        assertThat(page.header("content-security-policy")).contains("script-src 'self'");
        for (String name :
                List.of("page.js", "page.css", "markdown.js", "api.js", "store.js", "view.js", "settings.js")) {
            Reply file = server.get("/" + name);
            assertThat(file.status()).as(name).isEqualTo(200);
            assertThat(file.text()).doesNotContain("innerHTML");
            Reply same = server.send(
                    server.request("/" + name).header("If-None-Match", String.valueOf(file.header("etag"))));
            assertThat(same.status()).isEqualTo(304);
        }
        assertThat(server.send(server.request("/")
                                .header("Accept", "*/*")
                                .header("User-Agent", "ollama-python/0.6.3")
                                .method("GET", HttpRequest.BodyPublishers.noBody()))
                        .text())
                .isEqualTo("Ollama is running");
    }

    @Test
    void thePageMayBeLeftOut() throws IOException {
        try (TestServer plain = TestServer.start(builder -> builder.page(false))) {
            assertThat(plain.send(plain.request("/").header("Accept", "text/html"))
                            .status())
                    .isEqualTo(404);
            assertThat(plain.get("/page.js").status()).isEqualTo(404);
        }
    }

    @Test
    void errorsHaveTheStatusAsTheirCode() {
        assertThat((Map<?, ?>) server.post("/completion", "{}").at("error"))
                .extracting("param")
                .isEqualTo("prompt");
        assertThat(server.post("/completion", "{}").integer("error.code")).isEqualTo(400);
    }
}
