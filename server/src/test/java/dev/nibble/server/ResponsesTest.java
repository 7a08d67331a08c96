package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonReader;
import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** OpenAI's responses with a model that says noise: what counts is the form. */
class ResponsesTest {
    private static final String TOOL =
            "'tools': [{'type': 'function', 'name': 'weather', 'parameters': {'type': 'object',"
                    + " 'properties': {'city': {'enum': ['Paris', 'Rome']}}, 'required': ['city'], 'additionalProperties': false}}],"
                    + " 'tool_choice': 'required', 'parallel_tool_calls': false";

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    private static Reply respond(String fields) {
        return server.post("/v1/responses", "{" + fields + "}");
    }

    @Test
    void answersWithItems() {
        Reply reply = respond("'input': 'hi', 'max_output_tokens': 6, 'temperature': 0");

        assertThat(reply.string("id")).startsWith("resp_");
        assertThat(reply.string("object")).isEqualTo("response");
        assertThat(reply.string("status")).isEqualTo("incomplete");
        assertThat(reply.string("incomplete_details.reason")).isEqualTo("max_output_tokens");
        assertThat(reply.string("output.0.type")).isEqualTo("message");
        assertThat(reply.string("output.0.id")).startsWith("msg_");
        assertThat(reply.string("output.0.content.0.type")).isEqualTo("output_text");
        assertThat(reply.integer("usage.output_tokens")).isEqualTo(6);
        assertThat(reply.string("tool_choice")).isEqualTo("auto");
    }

    @Test
    void aStreamTellsOfEachStepInItsOrder() {
        String whole = respond("'input': 'hi', 'max_output_tokens': 6, 'temperature': 0")
                .string("output.0.content.0.text");

        Reply reply = respond("'input': 'hi', 'max_output_tokens': 6, 'temperature': 0, 'stream': true");

        List<Object> pieces = reply.pieces();
        assertThat(reply.events())
                .startsWith(
                        "response.created",
                        "response.in_progress",
                        "response.output_item.added",
                        "response.content_part.added",
                        "response.output_text.delta")
                .endsWith(
                        "response.output_text.done",
                        "response.content_part.done",
                        "response.output_item.done",
                        "response.incomplete");
        for (int i = 0; i < pieces.size(); i++) {
            assertThat(String.valueOf(at(pieces.get(i), "sequence_number"))).isEqualTo(String.valueOf(i));
            assertThat(at(pieces.get(i), "type")).isEqualTo(reply.events().get(i));
        }
        assertThat(joined(
                        pieces.stream()
                                .filter(piece -> "response.output_text.delta".equals(at(piece, "type")))
                                .toList(),
                        "delta"))
                .startsWith(whole.substring(0, 2))
                .isEqualTo(at(pieces.getLast(), "response.output.0.content.0.text"));
        assertThat(reply.text()).doesNotContain("[DONE]");
    }

    @Test
    void aCallIsAnItem() {
        Reply reply =
                respond("'input': [{'role': 'user', 'content': [{'type': 'input_text', 'text': 'hi'}]}], " + TOOL);

        assertThat(reply.string("status")).isEqualTo("completed");
        assertThat(reply.string("output.0.type")).isEqualTo("function_call");
        assertThat(at(JsonReader.read(reply.string("output.0.arguments"), "arguments"), "city"))
                .isIn("Paris", "Rome");
        Reply stream = respond("'input': 'hi', 'stream': true, " + TOOL);
        assertThat(stream.events())
                .contains("response.function_call_arguments.delta", "response.function_call_arguments.done")
                .endsWith("response.completed");
    }

    @Test
    void aConversationWithCallsIsTaken() {
        Reply reply = respond("""
                'max_output_tokens': 2, 'instructions': 'brief', 'input': [
                {'role': 'developer', 'content': 'be kind'}, {'role': 'user', 'content': 'weather?'},
                {'type': 'reasoning', 'id': 'rs_1', 'summary': [], 'content': [{'type': 'reasoning_text', 'text': 'hm'}]},
                {'type': 'function_call', 'call_id': 'c1', 'name': 'weather', 'arguments': '{}'},
                {'type': 'function_call_output', 'call_id': 'c1', 'output': 'rain'}]""");

        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
    }

    @Test
    void theTextKeepsToASchema() {
        Reply reply = respond(
                "'input': 'hi', 'text': {'format': {'type': 'json_schema', 'name': 'n', 'schema':"
                        + " {'type': 'object', 'properties': {'n': {'enum': [1]}}, 'required': ['n'], 'additionalProperties': false}}}");

        assertThat(reply.string("output.0.content.0.text")).matches("\\{\"n\": ?1}");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            input                | {}
            previous_response_id | {'input': 'hi', 'previous_response_id': 'resp_1'}
            tools[0].type        | {'input': 'hi', 'tools': [{'type': 'web_search'}]}
            input[0].type        | {'input': [{'type': 'item_reference', 'id': 'x'}]}
            input[0].content[0].type | {'input': [{'role': 'user', 'content': [{'type': 'input_image', 'image_url': 'x'}]}]}
            background           | {'input': 'hi', 'background': true}
            """)
    void whatIsWrongIsRefusedByTheNameOfItsField(String field, String body) {
        Reply reply = server.post("/v1/responses", body);

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.string("error.param")).isEqualTo(field);
    }
}
