package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.net.http.HttpRequest;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Ollama's endpoints with a model that says noise: what counts is the form. */
class OllamaTest {
    private static final String HI = "'model': 'tiny', 'messages': [{'role': 'user', 'content': 'hi'}]";
    private static final String TOOL = "'tools': [{'type': 'function', 'function': {'name': 'weather', 'parameters':"
            + " {'type': 'object', 'properties': {'city': {'enum': ['Paris', 'Rome']}}, 'required': ['city'],"
            + " 'additionalProperties': false}}}]";

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply chat(String fields) {
        return server.post("/api/chat", "{" + HI + ", " + fields + "}");
    }

    @Test
    void itSaysThatItIsThere() {
        assertThat(server.send(server.request("/").header("User-Agent", "ollama-python/0.6.3"))
                        .text())
                .isEqualTo("Ollama is running");
        assertThat(server.get("/api/version").string("version")).matches("\\d+\\.\\d+\\.\\d+");
        Reply head = server.send(server.request("/").method("HEAD", HttpRequest.BodyPublishers.noBody()));
        assertThat(head.status()).isEqualTo(200);
        assertThat(server.send(server.request("/api/tags").method("HEAD", HttpRequest.BodyPublishers.noBody()))
                        .status())
                .isEqualTo(200);
    }

    @Test
    void aChatIsStreamedUnlessToldOtherwise() {
        Reply reply = chat("'options': {'num_predict': 6, 'temperature': 0}");

        List<Object> lines = reply.pieces();
        assertThat(reply.header("content-type")).isEqualTo("application/x-ndjson");
        assertThat(reply.text().lines()).noneMatch(String::isBlank);
        assertThat(lines)
                .allSatisfy(line -> assertThat(at(line, "message.role")).isEqualTo("assistant"));
        Object last = lines.getLast();
        assertThat(at(last, "done")).isEqualTo(true);
        assertThat(at(last, "done_reason")).isEqualTo("length");
        assertThat(String.valueOf(at(last, "eval_count"))).isEqualTo("6");
        for (String name : List.of("total_duration", "prompt_eval_count", "prompt_eval_duration", "eval_duration")) {
            assertThat(String.valueOf(at(last, name))).as(name).matches("[1-9]\\d*");
        }
        OffsetDateTime.parse(String.valueOf(at(last, "created_at")));
        Reply whole = chat("'stream': false, 'options': {'num_predict': 6, 'temperature': 0}");
        assertThat(whole.string("message.content"))
                .isEqualTo(joined(lines, "message.content").strip());
        assertThat(whole.header("content-type")).isEqualTo("application/json");
    }

    @Test
    void aCallHasItsArgumentsAsAnObject() {
        Reply reply = chat("'stream': false, 'options': {'seed': 3, 'num_predict': 400}, " + TOOL + ", 'format': ''");
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        if (reply.at("message.tool_calls") != null) {
            assertThat(reply.at("message.tool_calls.0.function.arguments")).isInstanceOf(Map.class);
        }
        assertThat(server.post("/api/chat", """
                {'model': 'tiny', 'stream': false, 'options': {'num_predict': 1}, 'messages': [
                 {'role': 'user', 'content': 'hi'},
                 {'role': 'assistant', 'content': '', 'tool_calls': [{'function': {'name': 'f', 'arguments': {'a': 1}}}]},
                 {'role': 'tool', 'tool_name': 'f', 'content': 'rain'}]}""").status()).isEqualTo(200);
    }

    @Test
    void theTextKeepsToAFormat() {
        Reply reply = chat("'stream': false, 'format': {'type': 'object', 'properties': {'n': {'enum': [1, 2]}},"
                + " 'required': ['n'], 'additionalProperties': false}");

        assertThat(reply.string("message.content")).matches("\\{\"n\": ?[12]}");
        assertThat(reply.string("done_reason")).isEqualTo("stop");
        assertThat(chat("'format': 'xml'").status()).isEqualTo(400);
    }

    @Test
    void aPromptIsAnsweredAndARawOneContinued() {
        Reply answered = server.post(
                "/api/generate",
                "{'model': 'tiny', 'prompt': 'hi', 'system': 'be brief', 'stream': false, 'options': {'num_predict': 4}}");
        assertThat(answered.at("response")).isInstanceOf(String.class);
        List<?> context = answered.list("context");
        assertThat(context).hasSizeGreaterThan(4);
        Reply raw = server.post(
                "/api/generate",
                "{'model': 'tiny', 'prompt': 'the cat', 'raw': true, 'stream': false, 'options': {'num_predict': 4,"
                        + " 'temperature': 0}}");
        assertThat(raw.string("response"))
                .isEqualTo(server.post("/v1/completions", "{'prompt': 'the cat', 'max_tokens': 4, 'temperature': 0}")
                        .string("choices.0.text"));
        Reply further = server.post(
                "/api/generate",
                "{'model': 'tiny', 'prompt': 'more', 'context': " + context
                        + ", 'stream': false, 'options': {'num_predict': 1}}");
        assertThat(further.integer("prompt_eval_count")).isGreaterThan(context.size());
        List<Object> lines = server.post(
                        "/api/generate", "{'model': 'tiny', 'prompt': 'hi', 'options': {'num_predict': 3}}")
                .pieces();
        assertThat(at(lines.getFirst(), "done")).isEqualTo(false);
        assertThat(at(lines.getLast(), "done")).isEqualTo(true);
    }

    @Test
    void withoutAPromptTheModelIsLoadedOrUnloaded() {
        assertThat(server.post("/api/generate", "{'model': 'tiny'}").string("done_reason"))
                .isEqualTo("load");
        assertThat((server.get("/api/ps").list("models")).stream().map(model -> at(model, "name")))
                .contains("tiny:latest");
        OffsetDateTime.parse(server.get("/api/ps").string("models.0.expires_at"));
        assertThat(server.post("/api/chat", "{'model': 'tiny', 'messages': [], 'keep_alive': 0, 'stream': false}")
                        .string("done_reason"))
                .isEqualTo("unload");
        assertThat((server.get("/api/ps").list("models")).stream().map(model -> at(model, "name")))
                .doesNotContain("tiny:latest");
    }

    @Test
    void textsAreEmbedded() {
        Reply many = server.post("/api/embed", "{'model': 'embed', 'input': ['a cat', 'a dog']}");
        Reply one = server.post("/api/embeddings", "{'model': 'embed', 'prompt': 'a cat'}");

        assertThat(many.list("embeddings")).hasSize(2);
        assertThat(one.list("embedding")).hasSameSizeAs(many.list("embeddings.0"));
        assertThat(many.integer("prompt_eval_count")).isPositive();
    }

    @Test
    void modelsAreListedAndShown() {
        Reply tags = server.get("/api/tags");
        assertThat(tags.list("models")).hasSize(2).allSatisfy(model -> {
            for (String name : List.of(
                    "name",
                    "model",
                    "modified_at",
                    "size",
                    "digest",
                    "details.family",
                    "details.parameter_size",
                    "details.quantization_level")) {
                assertThat(at(model, name)).as(name).isNotNull();
            }
        });
        Reply show = server.post("/api/show", "{'name': 'tiny'}");
        assertThat(show.string("model_info.general\u0000")).isEqualTo("null");
        Map<?, ?> information = TestServer.map(show.json(), "model_info");
        assertThat(String.valueOf(information.get("llama.context_length"))).isEqualTo("256");
        assertThat(String.valueOf(show.list("capabilities"))).contains("completion", "tools");
        assertThat(server.post("/api/show", "{'model': 'embed'}").string("capabilities"))
                .contains("embedding");
    }

    @Test
    void modelsOfTheDiskAreLeftAlone() {
        assertThat(server.post("/api/pull", "{'model': 'tiny'}").pieces())
                .last()
                .satisfies(line -> assertThat(at(line, "status")).isEqualTo("success"));
        assertThat(server.post("/api/pull", "{'model': 'other'}").status()).isEqualTo(403);
        assertThat(server.post("/api/create", "{}").status()).isEqualTo(501);
        assertThat(server.send(server.request("/api/delete")
                                .method("DELETE", HttpRequest.BodyPublishers.ofString("{\"model\": \"tiny\"}")))
                        .status())
                .isEqualTo(501);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            404 | {'model': 'gpt', 'messages': []}                 | model "gpt" not found, try pulling it first
            400 | {'messages': []}                                 | model is required
            400 | {HI, 'think': true, 'model2': 1}                 | does not support thinking
            400 | {HI, 'keep_alive': 'soon'}                       | keep_alive
            400 | {HI, 'options': {'temperature': 'hot'}}          | options.temperature
            400 | {HI, 'options': {'mirostat': 1}}                 | options.mirostat
            400 | {'model': 'tiny', 'messages': [{'role': 'user', 'content': 'x', 'images': ['aaaa']}]} | images
            """)
    void whatIsWrongIsRefusedInOllamasForm(int status, String body, String message) {
        Reply reply = server.post("/api/chat", body.replace("HI", HI));

        assertThat(reply.status()).isEqualTo(status);
        assertThat(reply.string("error")).contains(message);
    }

    @ParameterizedTest
    @ValueSource(strings = {"'5m'", "'1h30m'", "'-1'", "'-1m'", "300", "-1", "0.5", "'10ms'", "'60'"})
    void durationsHaveManyForms(String value) {
        assertThat(chat("'stream': false, 'options': {'num_predict': 1}, 'keep_alive': " + value)
                        .status())
                .isEqualTo(200);
    }
}
