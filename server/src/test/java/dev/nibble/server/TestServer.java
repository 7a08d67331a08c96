package dev.nibble.server;

import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.LoadOptions;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.gguf.GgufWriter.TensorData;
import dev.nibble.json.JsonReader;
import dev.nibble.model.Model.Pooling;
import dev.nibble.tensor.Tensor;
import dev.nibble.testdata.TinyEncoders;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.logging.Level;
import java.util.logging.Logger;
import org.jspecify.annotations.Nullable;

/** A server of tiny models, and a client of it. */
final class TestServer implements AutoCloseable {
    /** ChatML that tells of tools and thinking as Qwen's does. */
    static final String TEMPLATE = """
            {%- if tools %}<|im_start|>system
            You may call tools: <tools>
            {%- for tool in tools %}
            {{ tool | tojson }}
            {%- endfor %}
            </tools> For each call return <tool_call>
            {"name": <function-name>, "arguments": <args-json-object>}
            </tool_call><|im_end|>
            {% endif %}
            {%- for message in messages %}<|im_start|>{{ message.role }}
            {{ message.content }}
            {%- for call in message.tool_calls or [] %}
            <tool_call>
            {"name": "{{ call.function.name }}", "arguments": {{ call.function.arguments | tojson }}}
            </tool_call>
            {%- endfor %}<|im_end|>
            {% endfor %}
            {%- if add_generation_prompt %}<|im_start|>assistant
            {% endif %}""";

    static final LoadOptions CONTEXT = LoadOptions.DEFAULT.withContextLength(1024);

    private static final Path FOLDER = folder();
    private static final Logger LOG = Logger.getLogger("dev.nibble.server");

    static {
        LOG.setLevel(Level.WARNING);
    }

    final Engine engine;
    final NibbleServer server;
    final HttpClient client =
            HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(10)).build();

    private TestServer(Engine engine, NibbleServer.Builder builder) throws IOException {
        this.engine = engine;
        server = builder.port(0).start();
    }

    /** A server of a chat model, {@code tiny}, and one for embeddings, {@code embed}. */
    static TestServer start() throws IOException {
        return start(UnaryOperator.identity());
    }

    static TestServer start(UnaryOperator<NibbleServer.Builder> settings) throws IOException {
        Engine engine = Engine.open(EngineOptions.DEFAULT.withThreads(1));
        return new TestServer(
                engine,
                settings.apply(NibbleServer.builder(engine)
                        .model(chatModel("tiny").withAliases(List.of("small")))
                        .model(ModelEntry.of("embed", model("llama")).withPooling(Pooling.MEAN))
                        .beat(Duration.ofMillis(100))));
    }

    static ModelEntry chatModel(String name) {
        return ModelEntry.of(name, model("llama")).withLoad(CONTEXT).withTemplate(ChatTemplate.parse(TEMPLATE));
    }

    /** The file of a tiny model. */
    static synchronized Path model(String name) {
        try {
            Path file = FOLDER.resolve("tiny-" + name + ".gguf");
            if (!Files.exists(file)) {
                TinyModels.write(name, 1, file);
                file.toFile().deleteOnExit();
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The file of a tiny model that rates documents. */
    static synchronized Path ratingModel() {
        try {
            Path file = FOLDER.resolve("tiny-rank.gguf");
            if (!Files.exists(file)) {
                TinyEncoders.write("bert-rank", 1, file);
                file.toFile().deleteOnExit();
            }
            return file;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The file of a tiny model that knows tokens for filling in. */
    static synchronized Path fillingModel() {
        Path file = FOLDER.resolve("tiny-filling.gguf");
        if (!Files.exists(file)) {
            try (GgufFile source = GgufFile.open(model("llama"))) {
                GgufWriter writer = new GgufWriter().putAll(source, key -> true);
                int id = 284;
                for (String name : List.of("pre", "suf", "mid", "sep")) {
                    writer.putUint32("tokenizer.ggml.fim_" + name + "_token_id", id++);
                }
                for (Tensor tensor : source.tensors()) {
                    writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), TensorData.of(tensor.data()));
                }
                writer.write(file);
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
            file.toFile().deleteOnExit();
        }
        return file;
    }

    private static Path folder() {
        try {
            Path folder = Files.createTempDirectory("nibble-server-test");
            folder.toFile().deleteOnExit();
            return folder;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What was answered. */
    record Reply(int status, String text, HttpResponse<String> response) {
        Object json() {
            return JsonReader.read(text, "the answer");
        }

        /** A value in the JSON by names and indices with points between, null if it is not there. */
        @Nullable Object at(String path) {
            return TestServer.at(json(), path);
        }

        /** The array at a path, which has to be there. */
        List<?> list(String path) {
            return TestServer.list(json(), path);
        }

        String string(String path) {
            return String.valueOf(at(path));
        }

        int integer(String path) {
            return Integer.parseInt(string(path));
        }

        /** The values of a stream of events or lines, but for the end. */
        List<Object> pieces() {
            List<Object> pieces = new ArrayList<>();
            for (String line : text.split("\n")) {
                String value = line.startsWith("data: ")
                        ? line.substring(6)
                        : line.startsWith("{") || line.startsWith(" ") ? line : "";
                if (!value.isBlank() && !value.equals("[DONE]")) {
                    pieces.add(JsonReader.read(value, "a piece"));
                }
            }
            return pieces;
        }

        /** The names of events in a stream. */
        List<String> events() {
            return text.lines()
                    .filter(line -> line.startsWith("event: "))
                    .map(line -> line.substring(7))
                    .toList();
        }

        @Nullable String header(String name) {
            return response.headers().firstValue(name).orElse(null);
        }
    }

    static @Nullable Object at(@Nullable Object json, String path) {
        Object value = json;
        for (String name : path.split("\\.")) {
            value = value instanceof Map<?, ?> map
                    ? map.get(name)
                    : value instanceof List<?> list && Integer.parseInt(name) < list.size()
                            ? list.get(Integer.parseInt(name))
                            : null;
        }
        return value == JsonReader.NULL ? null : value;
    }

    static List<?> list(@Nullable Object json, String path) {
        return (List<?>) Objects.requireNonNull(at(json, path), path);
    }

    static Map<?, ?> map(@Nullable Object json, String path) {
        return (Map<?, ?>) Objects.requireNonNull(at(json, path), path);
    }

    static String joined(List<Object> pieces, String path) {
        StringBuilder text = new StringBuilder();
        for (Object piece : pieces) {
            Object value = at(piece, path);
            text.append(value == null ? "" : value);
        }
        return text.toString();
    }

    Reply get(String path) {
        return send(request(path).GET());
    }

    /** Quotes may be single ones. */
    Reply post(String path, String json) {
        return send(request(path).POST(HttpRequest.BodyPublishers.ofString(json.replace('\'', '"'))));
    }

    Reply send(HttpRequest.Builder request) {
        try {
            HttpResponse<String> response = client.send(request.build(), HttpResponse.BodyHandlers.ofString());
            return new Reply(response.statusCode(), response.body(), response);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(server.uri() + path)).timeout(Duration.ofSeconds(60));
    }

    @Override
    public void close() {
        client.shutdownNow();
        server.close();
        engine.close();
    }
}
