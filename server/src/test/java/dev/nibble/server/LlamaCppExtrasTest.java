package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What llama.cpp's server takes and tells beyond the forms of others. */
class LlamaCppExtrasTest {
    private static final String USER = "{'role': 'user', 'content': 'Hi'}";

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply chat(String messages, String more) {
        return server.post(
                "/v1/chat/completions",
                "{'messages': [" + messages + "], 'max_tokens': 3, 'temperature': 0" + more + "}");
    }

    private static String prompt(String messages, String more) {
        Reply reply = chat(messages, ", 'verbose': true" + more);
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.string("__verbose.prompt");
    }

    @Test
    void anAnswerThatWasBegunIsContinued() {
        assertThat(prompt(USER + ", {'role': 'assistant', 'content': 'Well'}", ""))
                .endsWith("assistant\nWell");
        assertThat(prompt(
                        USER + ", {'role': 'assistant', 'content': 'Well'}",
                        ", 'continue_final_message': true, 'add_generation_prompt': false"))
                .endsWith("assistant\nWell");
        assertThat(prompt(
                        USER + ", {'role': 'assistant', 'content': [{'type': 'text', 'text': 'a'},"
                                + " {'type': 'text', 'text': 'b'}]}",
                        ""))
                .endsWith("assistant\na\n\nb");
    }

    @Test
    void whatCannotBeContinuedIsRefused() {
        String begun = "{'role': 'assistant', 'content': 'a'}";
        assertThat(chat(USER + "," + begun + "," + begun, "").status()).isEqualTo(400);
        assertThat(chat(USER, ", 'continue_final_message': true").status()).isEqualTo(400);
        assertThat(chat(USER + "," + begun, ", 'continue_final_message': true, 'add_generation_prompt': true")
                        .status())
                .isEqualTo(400);
        assertThat(chat(USER + "," + begun, ", 'response_format': {'type': 'json_object'}")
                        .status())
                .isEqualTo(400);
    }

    @Test
    void thePromptIsToldOnlyWhereItIsAskedFor() {
        assertThat(prompt(USER, "")).contains("Hi");
        assertThat(chat(USER, "").text()).doesNotContain("__verbose");
    }

    @Test
    void aTemplateIsShownWithoutTheBeginningOfAnAnswer() {
        assertThat(server.post("/apply-template", "{'messages': [" + USER + "], 'add_generation_prompt': false}")
                        .string("prompt"))
                .endsWith("Hi<|im_end|>\n");
    }

    @Test
    void aPromptMayMixTextsAndTokens() {
        Reply mixed = server.post("/completion", "{'prompt': [1, 2, 'the cat', 3], 'n_predict': 2}");
        assertThat(mixed.status()).as(mixed.text()).isEqualTo(200);
        Reply several =
                server.post("/completion", "{'prompt': [[1, 2], 'the', {'prompt_string': 'cat'}], 'n_predict': 1}");
        assertThat((List<?>) several.json()).hasSize(3);
    }

    @Test
    void tokensAreEmbeddedAsTheirText() {
        Object ids = server.post("/tokenize", "{'model': 'tiny', 'content': 'the cat', 'add_special': true}")
                .at("tokens");
        String form = "{'model': 'embed', 'input': %s}";
        Reply text = server.post("/v1/embeddings", form.formatted("'the cat'"));
        Reply tokens = server.post("/v1/embeddings", form.formatted(ids));
        Reply parts = server.post(
                "/v1/embeddings",
                form.formatted("{'content': [{'type': 'text', 'text': 'the '}, {'type': 'text', 'text': 'cat'}]}"));
        assertThat(tokens.at("data.0.embedding")).isEqualTo(text.at("data.0.embedding"));
        assertThat(parts.at("data.0.embedding")).isEqualTo(text.at("data.0.embedding"));
        assertThat(server.post("/v1/embeddings", form.formatted("{'content': 'the cat'}"))
                        .status())
                .isEqualTo(400);
    }

    @Test
    void theProgressOfAPromptTellsWhatWasHeld() {
        String body = "{'prompt': '" + "one two three ".repeat(9) + "', 'n_predict': 1, 'stream': true,"
                + " 'return_progress': true}";
        server.post("/completion", body);
        List<Object> told = server.post("/completion", body).pieces().stream()
                .filter(piece -> at(piece, "prompt_progress") != null)
                .toList();
        assertThat(told).hasSizeGreaterThan(1);
        assertThat(at(told.getFirst(), "prompt_progress.processed"))
                .isEqualTo(at(told.getFirst(), "prompt_progress.cache"));
        assertThat(at(told.getLast(), "prompt_progress.processed"))
                .isEqualTo(at(told.getLast(), "prompt_progress.total"));
        assertThat(String.valueOf(at(told.getFirst(), "timings.prompt_n"))).isEqualTo("0");
    }

    @Test
    void requestsHaveAPriority() {
        for (String priority : List.of("-1", "0", "5")) {
            assertThat(chat(USER, ", 'priority': " + priority).status()).isEqualTo(200);
        }
        assertThat(chat(USER, ", 'priority': 'high'").string("error.message")).contains("priority");
    }

    @Test
    void whatTheServerTellsOfItselfCanBeTurnedOff() throws IOException {
        assertThat(server.get("/metrics").text()).contains("llamacpp:n_decode_total", "llamacpp:n_tokens_max");
        try (TestServer silent =
                TestServer.start(builder -> builder.showSlots(false).showMetrics(false))) {
            assertThat(silent.get("/slots").status()).isEqualTo(501);
            assertThat(silent.get("/metrics").status()).isEqualTo(501);
            assertThat(String.valueOf(silent.get("/props").at("endpoint_slots")))
                    .isEqualTo("false");
        }
    }
}
