package dev.nibble.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.LoadOptions;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import dev.nibble.server.TestServer.Reply;
import dev.nibble.server.http.Json;
import java.io.IOException;
import java.math.BigDecimal;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Requests that are nearly right: each is answered, by a fault of the client's where there is one, never of the server's. */
class FuzzTest {
    private static final int REQUESTS = 12;
    private static final Set<Integer> EXPECTED = Set.of(200, 400, 403, 404, 501, 503);

    /** How long an answer gets, which is not left to chance. */
    private static final Set<String> LIMITS =
            Set.of("max_tokens", "max_completion_tokens", "n_predict", "max_output_tokens", "options");

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start(builder -> builder.model(ModelEntry.of("fuzz", TestServer.fillingModel())
                        .withLoad(LoadOptions.DEFAULT.withContextLength(640))
                        .withTemplate(ChatTemplate.parse(TestServer.TEMPLATE)))
                .model("rank", TestServer.ratingModel()));
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @ParameterizedTest(name = "{0}")
    @CsvSource(delimiter = '|', textBlock = """
            /v1/chat/completions | {'model': 'fuzz', 'max_tokens': 2, 'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'a'}]}, {'role': 'assistant', 'content': null, 'tool_calls': [{'id': 'c', 'type': 'function', 'function': {'name': 'f', 'arguments': '{}'}}]}, {'role': 'tool', 'tool_call_id': 'c', 'content': 'x'}], 'tools': [{'type': 'function', 'function': {'name': 'f', 'parameters': {'type': 'object'}}}], 'tool_choice': 'auto', 'response_format': {'type': 'text'}, 'logprobs': true, 'top_logprobs': 1, 'logit_bias': {'3': 1}, 'stop': ['x'], 'stream': false, 'seed': 1, 'temperature': 1, 'top_p': 1, 'n': 1, 'stream_options': {'include_usage': true}}
            /v1/completions      | {'model': 'fuzz', 'max_tokens': 2, 'prompt': ['a', 'b'], 'suffix': 'x', 'echo': true, 'logprobs': 1, 'stream': true}
            /v1/responses        | {'model': 'fuzz', 'max_output_tokens': 2, 'instructions': 'a', 'input': [{'role': 'user', 'content': [{'type': 'input_text', 'text': 'a'}]}, {'type': 'function_call', 'call_id': 'c', 'name': 'f', 'arguments': '{}'}, {'type': 'function_call_output', 'call_id': 'c', 'output': 'x'}], 'text': {'format': {'type': 'text'}}, 'reasoning': {'effort': 'low'}, 'stream': true}
            /v1/embeddings       | {'model': 'embed', 'input': ['a', 'b'], 'encoding_format': 'base64', 'dimensions': 4}
            /v1/messages         | {'model': 'fuzz', 'max_tokens': 2, 'system': [{'type': 'text', 'text': 'a'}], 'messages': [{'role': 'user', 'content': [{'type': 'text', 'text': 'a'}]}, {'role': 'assistant', 'content': [{'type': 'tool_use', 'id': 't', 'name': 'f', 'input': {}}]}, {'role': 'user', 'content': [{'type': 'tool_result', 'tool_use_id': 't', 'content': 'x'}]}], 'tools': [{'name': 'f', 'input_schema': {'type': 'object'}}], 'tool_choice': {'type': 'auto'}, 'thinking': {'type': 'disabled'}, 'stop_sequences': ['x'], 'stream': true}
            /api/chat            | {'model': 'fuzz', 'messages': [{'role': 'user', 'content': 'a'}, {'role': 'assistant', 'tool_calls': [{'function': {'name': 'f', 'arguments': {'a': 1}}}]}], 'options': {'num_predict': 2, 'num_ctx': 100, 'seed': 1, 'stop': ['x']}, 'keep_alive': '5m', 'format': {'type': 'object'}, 'think': false, 'stream': true}
            /api/generate        | {'model': 'fuzz', 'prompt': 'a', 'system': 'b', 'context': [1, 2], 'raw': false, 'options': {'num_predict': 2}}
            /api/show            | {'model': 'fuzz', 'verbose': true}
            /api/embed           | {'model': 'embed', 'input': ['a'], 'dimensions': 2}
            /completion          | {'model': 'fuzz', 'prompt': {'prompt_string': 'a'}, 'n_predict': 2, 'n_probs': 1, 'logit_bias': [[1, 2], ['a', false]], 'response_fields': ['content'], 't_max_predict_ms': 100}
            /infill              | {'model': 'fuzz', 'input_prefix': 'a', 'input_suffix': 'b', 'input_extra': [{'filename': 'x', 'text': 'y'}], 'n_predict': 2}
            /tokenize            | {'model': 'fuzz', 'content': 'a', 'add_special': true, 'with_pieces': true}
            /detokenize          | {'model': 'fuzz', 'tokens': [1, 2]}
            /apply-template      | {'model': 'fuzz', 'messages': [{'role': 'user', 'content': 'a'}], 'chat_template_kwargs': {'x': [1]}}
            /v1/rerank           | {'model': 'rank', 'query': 'a', 'documents': ['b', 'c'], 'top_n': 1}
            """)
    void whatIsNearlyRightIsAnswered(String path, String body) {
        Random random = new Random(path.hashCode());
        Object right = JsonReader.read(body.replace('\'', '"'), "the body");
        assertThat(server.post(path, JsonValues.write(right)).status()).isIn(200);
        for (int i = 0; i < REQUESTS; i++) {
            String changed = JsonValues.write(changed(right, random));
            if (random.nextInt(8) == 0) {
                changed = changed.substring(0, random.nextInt(changed.length()));
            }
            Reply reply = server.send(server.request(path).POST(HttpRequest.BodyPublishers.ofString(changed)));

            assertThat(reply.status()).as(changed + "\n" + reply.text()).isIn(EXPECTED);
            assertThat(reply.text())
                    .as(changed)
                    .doesNotContain("internal error")
                    .doesNotContain("dev.nibble.");
        }
        assertThat(server.get("/health").status()).isEqualTo(200);
    }

    /** What has nothing of a request, and what has the fields that are described with values that are not. */
    @Test
    void whateverIsSentToARouteIsAnswered() throws InterruptedException {
        Random random = new Random(1);
        Object description = server.get("/openapi.json").json();
        Map<?, ?> schemas = TestServer.map(description, "components.schemas");
        for (String route : server.server.routes()) {
            String[] parts = route.replace("*", "tiny").split(" ", 2);
            Set<String> names = new TreeSet<>();
            Object operation = TestServer.map(description, "paths").get(parts[1]);
            addNames(operation == null ? Map.of() : operation, schemas, names, 0);
            for (int i = 0; i < REQUESTS; i++) {
                byte[] body = random.nextInt(4) == 0 ? bytes(random) : Json.bytes(request(List.copyOf(names), random));
                Reply reply = server.send(
                        server.request(parts[1]).method(parts[0], HttpRequest.BodyPublishers.ofByteArray(body)));

                assertThat(reply.status())
                        .as(route + " " + new String(body, StandardCharsets.UTF_8) + "\n" + reply.text())
                        .isIn(EXPECTED);
                assertThat(reply.text()).as(route).doesNotContain("internal error");
            }
        }
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (server.server.running() > 0 || LoadTest.threadsOfRequests().size() > 0) {
            assertThat(System.nanoTime()).as("no thread is left").isLessThan(end);
            Thread.sleep(5);
        }
    }

    private static byte[] bytes(Random random) {
        byte[] bytes = new byte[random.nextInt(64)];
        random.nextBytes(bytes);
        return bytes;
    }

    /** The names of the members in a schema, with those that it refers to. */
    private static void addNames(Object schema, Map<?, ?> schemas, Set<String> names, int depth) {
        if (schema instanceof List<?> list) {
            list.forEach(item -> addNames(item, schemas, names, depth));
        }
        if (!(schema instanceof Map<?, ?> map)) {
            return;
        }
        map.forEach((name, value) -> {
            if (name.equals("properties") && value instanceof Map<?, ?> properties) {
                properties.keySet().forEach(property -> names.add(String.valueOf(property)));
            }
            if (name.equals("$ref") && depth < 8) {
                Object other = schemas.get(String.valueOf(value).replaceFirst(".*/", ""));
                addNames(Objects.requireNonNull(other), schemas, names, depth + 1);
            } else if (!name.equals("responses")) {
                addNames(value, schemas, names, depth);
            }
        });
    }

    /** Some of the members with any values, and limits so that what is right by chance does not take long. */
    private static Map<String, Object> request(List<String> names, Random random) {
        Map<String, Object> request = Json.object(
                "model",
                List.of("tiny", "embed", "rank", "fuzz").get(random.nextInt(4)),
                "max_tokens",
                2,
                "n_predict",
                2,
                "max_output_tokens",
                2,
                "options",
                Json.object("num_predict", 2));
        for (int i = random.nextInt(4); i >= 0 && !names.isEmpty(); i--) {
            String name = names.get(random.nextInt(names.size()));
            if (!LIMITS.contains(name)) {
                request.put(name, changed(Map.of(), random));
            }
        }
        return request;
    }

    /** The value with one of its parts, at any depth, left out or replaced. */
    private static Object changed(Object value, Random random) {
        if (value instanceof Map<?, ?> map && !map.isEmpty() && random.nextInt(6) > 0) {
            Map<String, Object> copy = new LinkedHashMap<>();
            map.forEach((name, item) -> copy.put(String.valueOf(name), item));
            String name = List.copyOf(copy.keySet()).get(random.nextInt(copy.size()));
            if (random.nextInt(8) == 0) {
                copy.remove(name);
            } else {
                copy.put(name, changed(Objects.requireNonNull(copy.get(name)), random));
            }
            return copy;
        }
        if (value instanceof List<?> list && !list.isEmpty() && random.nextInt(5) > 0) {
            List<Object> copy = new ArrayList<>(list);
            int index = random.nextInt(copy.size());
            copy.set(index, changed(copy.get(index), random));
            return copy;
        }
        return switch (random.nextInt(14)) {
            case 0 -> JsonReader.NULL;
            case 1 -> true;
            case 2 -> new BigDecimal(-1);
            case 3 -> BigDecimal.ZERO;
            case 4 -> new BigDecimal("1e300");
            case 5 -> new BigDecimal("0.5");
            case 6 -> new BigDecimal(Long.MAX_VALUE);
            case 7 -> "";
            case 8 -> "x".repeat(random.nextInt(400));
            case 9 -> "\u0000\ud83d\uffff\"\\";
            case 10 -> List.of();
            case 11 -> Map.of();
            case 12 -> List.of(List.of(JsonReader.NULL), Map.of("type", "x"));
            default -> Map.of("type", "text", "a", List.of(JsonReader.NULL));
        };
    }
}
