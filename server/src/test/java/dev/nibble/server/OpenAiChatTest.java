package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.json.JsonReader;
import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** {@code /v1/chat/completions} with a model that says noise: what counts is the form. */
class OpenAiChatTest {
    private static final String HI = "'messages': [{'role': 'user', 'content': 'hi'}]";
    private static final String WEATHER =
            "{'type': 'function', 'function': {'name': 'weather', 'description': 'Weather of a city', 'parameters':"
                    + " {'type': 'object', 'properties': {'city': {'enum': ['Paris', 'Rome']}}, 'required': ['city'],"
                    + " 'additionalProperties': false}}}";

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
        return server.post("/v1/chat/completions", "{" + HI + ", 'seed': 1, " + fields + "}");
    }

    @Test
    void answersWithTextAndCounts() {
        Reply reply = chat("'model': 'tiny', 'max_tokens': 8");

        assertThat(reply.status()).isEqualTo(200);
        assertThat(reply.header("content-type")).isEqualTo("application/json");
        assertThat(reply.string("id")).startsWith("chatcmpl-");
        assertThat(reply.string("object")).isEqualTo("chat.completion");
        assertThat(reply.string("model")).isEqualTo("tiny");
        assertThat(reply.string("choices.0.message.role")).isEqualTo("assistant");
        assertThat(reply.string("choices.0.message.content")).isNotEmpty();
        assertThat(reply.string("choices.0.finish_reason")).isEqualTo("length");
        assertThat(reply.integer("usage.completion_tokens")).isEqualTo(8);
        assertThat(reply.integer("usage.total_tokens")).isEqualTo(reply.integer("usage.prompt_tokens") + 8);
    }

    @Test
    void whatWasReadBeforeIsToldAsCached() {
        chat("'max_tokens': 1");

        Reply again = chat("'max_tokens': 1");

        assertThat(again.integer("usage.prompt_tokens_details.cached_tokens"))
                .isPositive()
                .isLessThan(again.integer("usage.prompt_tokens"));
    }

    @Test
    void aStreamHasTheTextOfTheWholeAnswerInOrderlyPieces() {
        String whole = chat("'max_tokens': 12").string("choices.0.message.content");

        Reply reply = chat("'max_tokens': 12, 'stream': true, 'stream_options': {'include_usage': true}");

        List<Object> pieces = reply.pieces();
        assertThat(reply.header("content-type")).isEqualTo("text/event-stream");
        assertThat(reply.text()).endsWith("data: [DONE]\n\n");
        assertThat(pieces).extracting(piece -> at(piece, "object")).containsOnly("chat.completion.chunk");
        assertThat(pieces).extracting(piece -> at(piece, "id")).containsOnly(at(pieces.getFirst(), "id"));
        assertThat(pieces.getFirst()).satisfies(first -> {
            assertThat(at(first, "choices.0.delta.role")).isEqualTo("assistant");
            assertThat(TestServer.map(first, "choices.0.delta").get("content")).isSameAs(JsonReader.NULL);
            assertThat(TestServer.map(first, "choices.0").get("finish_reason")).isSameAs(JsonReader.NULL);
        });
        assertThat(joined(pieces.subList(1, pieces.size()), "choices.0.delta.content")
                        .strip())
                .isEqualTo(whole);
        Object last = pieces.get(pieces.size() - 2);
        assertThat(TestServer.map(last, "choices.0.delta")).isEmpty();
        assertThat(at(last, "choices.0.finish_reason")).isEqualTo("length");
        Object usage = pieces.getLast();
        assertThat(TestServer.list(usage, "choices")).isEmpty();
        assertThat(String.valueOf(at(usage, "usage.completion_tokens"))).isEqualTo("12");
    }

    @Test
    void withoutBeingAskedForAStreamTellsNoUsage() {
        assertThat(chat("'max_tokens': 2, 'stream': true").pieces())
                .allSatisfy(piece ->
                        assertThat(((Map<?, ?>) piece).containsKey("usage")).isFalse());
    }

    @Test
    void logProbabilitiesAreThoseOfTheTokensOfTheText() {
        Reply reply = chat("'max_tokens': 6, 'logprobs': true, 'top_logprobs': 3");

        List<?> tokens = reply.list("choices.0.logprobs.content");
        assertThat(tokens).isNotEmpty().allSatisfy(token -> {
            assertThat(Double.parseDouble(String.valueOf(at(token, "logprob")))).isLessThanOrEqualTo(0);
            assertThat(TestServer.list(token, "top_logprobs")).hasSize(3);
        });
        Reply stream = chat("'max_tokens': 6, 'logprobs': true, 'top_logprobs': 3, 'stream': true");
        assertThat(stream.pieces().stream()
                        .map(piece -> at(piece, "choices.0.logprobs.content"))
                        .filter(List.class::isInstance)
                        .mapToInt(list -> ((List<?>) list).size())
                        .sum())
                .isEqualTo(tokens.size());
    }

    @Test
    void severalChoicesHaveTheirIndices() {
        Reply reply = chat("'max_tokens': 3, 'n': 3");

        assertThat(reply.list("choices"))
                .extracting(choice -> String.valueOf(at(choice, "index")))
                .containsExactly("0", "1", "2");
        assertThat(reply.integer("usage.completion_tokens")).isEqualTo(9);
        List<Object> pieces = chat("'max_tokens': 3, 'n': 2, 'stream': true").pieces();
        assertThat(pieces.stream()
                        .map(piece -> at(piece, "choices.0.finish_reason"))
                        .filter(java.util.Objects::nonNull))
                .containsExactly("length", "length");
    }

    @Test
    void severalAnswersDifferAndEachIsAsIfItWereAlone() {
        String ask = "{" + HI + ", 'max_tokens': 8, 'top_k': 0, 'seed': ";
        Reply reply = server.post("/v1/chat/completions", ask + "7, 'n': 3}");

        List<String> texts = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
            assertThat(reply.integer("choices." + i + ".index")).isEqualTo(i);
            texts.add(reply.string("choices." + i + ".message.content"));
            assertThat(server.post("/v1/chat/completions", ask + (7 + i) + "}").string("choices.0.message.content"))
                    .isEqualTo(texts.get(i));
        }
        assertThat(texts).doesNotHaveDuplicates();
    }

    @Test
    void aRequiredToolIsCalledWithArgumentsOfItsSchema() {
        Reply reply = chat("'tools': [" + WEATHER + "], 'tool_choice': 'required', 'parallel_tool_calls': false");

        assertThat(reply.string("choices.0.finish_reason")).isEqualTo("tool_calls");
        assertThat(reply.string("choices.0.message.tool_calls.0.type")).isEqualTo("function");
        assertThat(reply.string("choices.0.message.tool_calls.0.id")).startsWith("call_");
        assertThat(reply.string("choices.0.message.tool_calls.0.function.name")).isEqualTo("weather");
        assertThat(reply.at("choices.0.message.tool_calls.0.function.arguments"))
                .isInstanceOf(String.class);
        String arguments = reply.string("choices.0.message.tool_calls.0.function.arguments");
        assertThat(at(JsonReader.read(arguments, "arguments"), "city")).isIn("Paris", "Rome");
    }

    @Test
    void aStreamedCallBeginsWithItsNameAndGoesOnWithArguments() {
        List<Object> pieces = chat("'tools': [" + WEATHER
                        + "], 'tool_choice': {'type': 'function', 'function': {'name': 'weather'}},"
                        + " 'parallel_tool_calls': false, 'stream': true")
                .pieces();

        List<?> calls = pieces.stream()
                .map(piece -> at(piece, "choices.0.delta.tool_calls.0"))
                .filter(Map.class::isInstance)
                .toList();
        assertThat(calls)
                .hasSizeGreaterThan(1)
                .allSatisfy(
                        call -> assertThat(String.valueOf(at(call, "index"))).isEqualTo("0"));
        assertThat(at(calls.getFirst(), "function.name")).isEqualTo("weather");
        assertThat(at(calls.getFirst(), "type")).isEqualTo("function");
        assertThat(at(calls.getFirst(), "id")).asString().startsWith("call_");
        assertThat(calls.subList(1, calls.size()))
                .allSatisfy(call ->
                        assertThat(((Map<?, ?>) call).keySet()).isEqualTo(java.util.Set.of("index", "function")));
        String arguments = joined(pieces, "choices.0.delta.tool_calls.0.function.arguments");
        assertThat(at(JsonReader.read(arguments, "arguments"), "city")).isIn("Paris", "Rome");
        assertThat(at(pieces.getLast(), "choices.0.finish_reason")).isEqualTo("tool_calls");
    }

    @Test
    void aConversationWithCallsAndResultsIsTaken() {
        Reply reply = server.post("/v1/chat/completions", """
                {'max_tokens': 2, 'tools': [%s], 'messages': [
                  {'role': 'developer', 'content': 'be short'},
                  {'role': 'user', 'content': [{'type': 'text', 'text': 'weather'}, {'type': 'text', 'text': '?'}]},
                  {'role': 'assistant', 'content': null, 'tool_calls': [{'id': 'c1', 'type': 'function',
                    'function': {'name': 'weather', 'arguments': '{\\"city\\": \\"Paris\\"}'}}]},
                  {'role': 'tool', 'tool_call_id': 'c1', 'content': 'rain'}]}""".formatted(WEATHER));

        assertThat(reply.status()).isEqualTo(200);
    }

    @Test
    void theTextKeepsToASchemaAndTheLike() {
        Reply schema = chat("'response_format': {'type': 'json_schema', 'json_schema': {'name': 'n', 'strict': true,"
                + " 'schema': {'type': 'object', 'properties': {'n': {'enum': [1, 2]}}, 'required': ['n'],"
                + " 'additionalProperties': false}}}");
        assertThat(schema.string("choices.0.message.content")).matches("\\{\"n\": ?[12]}");
        assertThat(schema.string("choices.0.finish_reason")).isEqualTo("stop");
        assertThat(chat("'grammar': 'root ::= \\\"yes\\\" | \\\"no\\\"'").string("choices.0.message.content"))
                .isIn("yes", "no");
        assertThat(chat("'regex': '[ab]{3}'").string("choices.0.message.content"))
                .matches("[ab]{3}");
        assertThat(chat("'choices': ['red', 'blue']").string("choices.0.message.content"))
                .isIn("red", "blue");
    }

    @Test
    void stopTextsEndTheAnswerAndAreNotPartOfIt() {
        String text = chat("'max_tokens': 20, 'temperature': 0").string("choices.0.message.content");
        String stop = text.substring(2, 4);

        Reply reply = server.post(
                "/v1/chat/completions",
                "{" + HI + ", 'max_tokens': 20, 'temperature': 0, 'stop': " + dev.nibble.json.JsonValues.write(stop)
                        + "}");

        assertThat(reply.string("choices.0.finish_reason")).isEqualTo("stop");
        assertThat(text).startsWith(reply.string("choices.0.message.content"));
        assertThat(reply.string("choices.0.message.content")).doesNotContain(stop);
    }

    @Test
    void aBiasOfMinusHundredBansAToken() {
        Reply reply = chat("'max_tokens': 1, 'temperature': 0, 'logprobs': true");
        String id = reply.string("choices.0.logprobs.content.0.id");

        Reply banned = chat("'max_tokens': 1, 'temperature': 0, 'logprobs': true, 'logit_bias': {'" + id + "': -100}");

        assertThat(banned.string("choices.0.logprobs.content.0.id")).isNotEqualTo(id);
    }

    @Test
    void aPromptLongerThanTheContextIsRefusedWithBothNumbers() {
        Reply reply = server.post(
                "/v1/chat/completions",
                "{'stream': true, 'messages': [{'role': 'user', 'content': '" + "long ".repeat(600) + "'}]}");

        assertThat(reply.status()).isEqualTo(400);
        assertThat(reply.header("content-type")).isEqualTo("application/json");
        assertThat(reply.string("error.type")).isEqualTo("exceed_context_size_error");
        assertThat(reply.string("error.code")).isEqualTo("context_length_exceeded");
        assertThat(reply.integer("error.n_ctx")).isEqualTo(1024);
        assertThat(reply.integer("error.n_prompt_tokens")).isGreaterThan(1024);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            messages               | {}
            messages               | {'messages': null}
            messages               | {'messages': []}
            messages               | {'messages': 'hi'}
            messages[0]            | {'messages': [123]}
            messages[0].role       | {'messages': [{}]}
            messages[0].role       | {'messages': [{'role': 123, 'content': 'x'}]}
            messages[0].role       | {'messages': [{'role': 'robot', 'content': 'x'}]}
            messages[0].content    | {'messages': [{'role': 'user', 'content': 123}]}
            messages[0].content[0].type | {'messages': [{'role': 'user', 'content': [{'type': 'image_url', 'image_url': {'url': 'x'}}]}]}
            temperature            | {HI, 'temperature': 'hot'}
            temperature            | {HI, 'temperature': 1e400}
            top_p                  | {HI, 'top_p': 2}
            max_tokens             | {HI, 'max_tokens': 1.5}
            n                      | {HI, 'n': 0}
            stop                   | {HI, 'stop': [1]}
            top_logprobs           | {HI, 'top_logprobs': 2}
            top_logprobs           | {HI, 'logprobs': true, 'top_logprobs': 21}
            stream                 | {HI, 'stream': 'yes'}
            functions              | {HI, 'functions': [{'name': 'x'}]}
            mirostat               | {HI, 'mirostat': 2}
            modalities             | {HI, 'modalities': ['text', 'audio']}
            response_format.type   | {HI, 'response_format': {'type': 'sound'}}
            response_format.type   | {HI, 'response_format': {'type': 123}}
            response_format.json_schema.schema | {HI, 'response_format': {'type': 'json_schema', 'json_schema': {'schema': 123}}}
            tools[0].type          | {HI, 'tools': [{'type': 'web_search'}]}
            tools[0].function.name | {HI, 'tools': [{'type': 'function', 'function': {}}]}
            tool_choice            | {HI, 'tools': [WEATHER], 'tool_choice': 'sometimes'}
            tool_choice            | {HI, 'tools': [WEATHER], 'tool_choice': {'type': 'function', 'function': {'name': 'other'}}}
            reasoning_effort       | {HI, 'reasoning_effort': 'huge'}
            logit_bias             | {HI, 'logit_bias': {'word': 1}}
            json_schema            | {HI, 'grammar': 'root ::= [a]', 'json_schema': {}}
            """)
    void whatIsWrongIsRefusedByTheNameOfItsField(String field, String body) {
        Reply reply = server.post("/v1/chat/completions", body.replace("HI", HI).replace("WEATHER", WEATHER));

        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.string("error.type")).isEqualTo("invalid_request_error");
        if (!body.contains("1e400")) {
            assertThat(reply.string("error.param")).isEqualTo(field);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            'grammar': 'root ::= ('
            'response_format': {'type': 'json_schema', 'json_schema': {'schema': {'type': 'hiccup'}}}
            'regex': '(a'
            'logit_bias': {'999999': 1}
            """)
    void whatCannotBeEnforcedIsRefused(String field) {
        Reply reply = chat("'max_tokens': 1, " + field);

        assertThat(reply.status()).as(reply.text()).isEqualTo(400);
        assertThat(reply.string("error.message")).isNotEmpty();
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = "{|[1]|nonsense|{'messages': [1,]}|'text'")
    void whatIsNoJsonObjectIsRefused(String body) {
        assertThat(server.post("/v1/chat/completions", body).status()).isEqualTo(400);
    }

    /** Clients send the names of models of others. */
    @Test
    void unknownFieldsAreIgnoredAndNullsAreAbsent() {
        assertThat(
                        chat("'max_tokens': 1, 'user': 'me', 'store': false, 'whatever': {'x': 1}, 'tools': null, 'stop': null")
                                .status())
                .isEqualTo(200);
    }

    @Test
    void modelsAreCalledByNameOrAlias() {
        assertThat(chat("'max_tokens': 1, 'model': 'small'").string("model")).isEqualTo("tiny");
        assertThat(chat("'max_tokens': 1, 'model': 'tiny:latest'").status()).isEqualTo(200);
        Reply unknown = chat("'max_tokens': 1, 'model': 'gpt-3.5-turbo'");
        assertThat(unknown.status()).isEqualTo(404);
        assertThat(unknown.string("error.code")).isEqualTo("model_not_found");
    }
}
