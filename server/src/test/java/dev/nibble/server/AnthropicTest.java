package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonReader;
import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Anthropic's messages with a model that says noise: what counts is the form. */
class AnthropicTest {
    private static final String HI = "'max_tokens': 6, 'messages': [{'role': 'user', 'content': 'hi'}]";
    private static final String TOOL = "'tools': [{'name': 'weather', 'input_schema': {'type': 'object', 'properties':"
            + " {'city': {'enum': ['Paris', 'Rome']}}, 'required': ['city'], 'additionalProperties': false}}]";

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply send(String fields) {
        return server.post("/v1/messages", "{" + fields + "}");
    }

    @Test
    void answersWithBlocks() {
        Reply reply = send(HI + ", 'temperature': 0");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.string("id")).startsWith("msg_");
        assertThat(reply.string("type")).isEqualTo("message");
        assertThat(reply.string("content.0.type")).isEqualTo("text");
        assertThat(reply.string("stop_reason")).isEqualTo("max_tokens");
        assertThat(reply.integer("usage.output_tokens")).isEqualTo(6);
        assertThat(reply.integer("usage.input_tokens")).isPositive();
        assertThat((Map<?, ?>) reply.json()).doesNotContainKey(null);
        assertThat(reply.at("timings")).isNull();
    }

    @Test
    void aStreamHasItsEventsInOrder() {
        String whole = send(HI + ", 'temperature': 0").string("content.0.text");

        Reply reply = send(HI + ", 'temperature': 0, 'stream': true");

        List<String> events = reply.events();
        assertThat(events).startsWith("message_start", "content_block_start", "content_block_delta");
        assertThat(events).endsWith("content_block_stop", "message_delta", "message_stop");
        assertThat(reply.pieces()).extracting(piece -> at(piece, "type")).containsExactlyElementsOf(events);
        assertThat(joined(reply.pieces(), "delta.text").strip()).isEqualTo(whole);
        assertThat(at(reply.pieces().getFirst(), "message.id")).asString().startsWith("msg_");
        assertThat(reply.text()).doesNotContain("[DONE]");
        Object delta = reply.pieces().get(events.size() - 2);
        assertThat(at(delta, "delta.stop_reason")).isEqualTo("max_tokens");
        assertThat(String.valueOf(at(delta, "usage.output_tokens"))).isEqualTo("6");
    }

    @Test
    void aToolIsUsedWithAnObject() {
        String forced = TOOL + ", 'tool_choice': {'type': 'any', 'disable_parallel_tool_use': true}";
        String ask = "'messages': [{'role': 'user', 'content': 'hi'}], " + forced;
        Reply reply = send(ask);

        assertThat(reply.string("stop_reason")).isEqualTo("tool_use");
        List<?> content = reply.list("content");
        assertThat(at(content.getLast(), "type")).isEqualTo("tool_use");
        assertThat(at(content.getLast(), "input.city")).isIn("Paris", "Rome");
        List<Object> pieces = send(ask + ", 'stream': true").pieces();
        assertThat(at(JsonReader.read(joined(pieces, "delta.partial_json"), "input"), "city"))
                .isIn("Paris", "Rome");
        List<String> indices = pieces.stream()
                .filter(piece -> "content_block_start".equals(at(piece, "type")))
                .map(piece -> String.valueOf(at(piece, "index")))
                .toList();
        for (int i = 0; i < indices.size(); i++) {
            assertThat(indices.get(i)).isEqualTo(String.valueOf(i));
        }
    }

    @Test
    void resultsOfToolsAndThinkingAreTaken() {
        Reply reply = send("""
                'max_tokens': 2, 'system': [{'type': 'text', 'text': 'brief', 'cache_control': {'type': 'ephemeral'}}],
                %s, 'messages': [
                {'role': 'user', 'content': [{'type': 'text', 'text': 'weather?'}]},
                {'role': 'assistant', 'content': [{'type': 'thinking', 'thinking': 'hm', 'signature': ''},
                  {'type': 'tool_use', 'id': 't1', 'name': 'weather', 'input': {'city': 'Rome'}}]},
                {'role': 'user', 'content': [{'type': 'tool_result', 'tool_use_id': 't1',
                  'content': [{'type': 'text', 'text': 'rain'}], 'is_error': false}, {'type': 'text', 'text': 'so?'}]}]""".formatted(TOOL));

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }

    @Test
    void aStopSequenceIsTold() {
        String text = send(HI.replace("6", "20") + ", 'temperature': 0").string("content.0.text");
        String stop = dev.nibble.json.JsonValues.write(text.substring(2, 4));

        Reply reply = send(HI.replace("6", "20") + ", 'temperature': 0, 'stop_sequences': [" + stop + "]");

        assertThat(reply.string("stop_reason")).isEqualTo("stop_sequence");
        assertThat(reply.string("stop_sequence")).isEqualTo(text.substring(2, 4));
    }

    @Test
    void tokensAreCounted() {
        Reply reply = server.post("/v1/messages/count_tokens", "{" + HI + "}");

        assertThat(((Map<?, ?>) reply.json()).keySet()).isEqualTo(java.util.Set.of("input_tokens"));
        assertThat(reply.integer("input_tokens")).isEqualTo(send(HI).integer("usage.input_tokens"));
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            {}                                                                            | 'messages'
            {'messages': []}                                                              | 'messages'
            {'messages': [{'role': 'robot', 'content': 'x'}]}                             | messages[0].role
            {'messages': [{'role': 'user', 'content': [{'type': 'image', 'source': {}}]}]} | image input is not supported
            {HI, 'tools': [{'type': 'web_search_1', 'name': 'x'}]}                        | tools[0].type
            {HI, 'thinking': {'budget_tokens': 1}}                                        | thinking.type
            {HI, 'mcp_servers': [{'name': 'x'}]}                                          | mcp_servers
            """)
    void whatIsWrongIsRefusedInAnthropicsForm(String body, String message) {
        Reply reply = server.post("/v1/messages", body.replace("HI", HI));

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.string("type")).isEqualTo("error");
        assertThat(reply.string("error.type")).isEqualTo("invalid_request_error");
        assertThat(reply.string("error.message")).contains(message);
        assertThat(reply.string("request_id")).isEqualTo(reply.header("x-request-id"));
    }
}
