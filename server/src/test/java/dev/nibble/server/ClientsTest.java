package dev.nibble.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The clients that people have, as they are published: each in a Python environment of its own, with its version fixed. Where there
 * is no Python with venv and pip, or no package index, they are skipped, and say so. That of OpenAI is always tried, the others
 * with {@code -Dnibble.clients=all}.
 */
class ClientsTest {
    private static final long MOST_MINUTES = 8;

    @TempDir
    static Path folder;

    private static TestServer server;

    @BeforeAll
    static void start() throws IOException {
        server = TestServer.start();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void openAi() throws Exception {
        run("openai", "openai==3.57.0");
    }

    @Test
    void ollama() throws Exception {
        requireAll();
        run("ollama", "ollama==0.6.3");
    }

    @Test
    void anthropic() throws Exception {
        requireAll();
        run("anthropic", "anthropic==2.14.0");
    }

    @Test
    void langChain() throws Exception {
        requireAll();
        run("langchain", "langchain-openai==1.7.4", "langchain-ollama==1.1.0");
    }

    private static void requireAll() {
        Assumptions.assumeTrue(
                "all".equals(System.getProperty("nibble.clients")), "long: runs with -Dnibble.clients=all");
    }

    private static void run(String client, String... packages) throws Exception {
        Path environment = folder.resolve(client);
        Path python = environment.resolve(
                System.getProperty("os.name").startsWith("Windows") ? "Scripts/python.exe" : "bin/python");
        prepare(List.of("python3", "-m", "venv", environment.toString()));
        List<String> install = new ArrayList<>(List.of(
                python.toString(), "-m", "pip", "install", "-q", "--disable-pip-version-check", "--only-binary=:all:"));
        install.addAll(List.of(packages));
        prepare(install);
        Path script = folder.resolve(client + "_client.py");
        try (InputStream in = ClientsTest.class.getResourceAsStream("/clients/" + client + "_client.py")) {
            Files.copy(Objects.requireNonNull(in), script, StandardCopyOption.REPLACE_EXISTING);
        }

        Output output = execute(List.of(python.toString(), script.toString(), String.valueOf(server.server.uri())));

        System.out.println(output.text().strip());
        assertThat(output.code()).as(output.text()).isZero();
        assertThat(output.text()).contains("content");
    }

    /** What is not there is the machine's fault, not the server's. */
    private static void prepare(List<String> command) throws Exception {
        Output output;
        try {
            output = execute(command);
        } catch (IOException e) {
            abort("no Python: " + e.getMessage());
            return;
        }
        if (output.code() != 0) {
            abort(String.join(" ", command) + " failed: " + output.text().strip());
        }
    }

    private record Output(int code, String text) {}

    private static Output execute(List<String> command) throws Exception {
        Path log = Files.createTempFile(folder, "client", ".log");
        ProcessBuilder builder =
                new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile());
        builder.environment().put("NO_PROXY", "127.0.0.1,localhost");
        Process process = builder.start();
        try {
            if (!process.waitFor(MOST_MINUTES, TimeUnit.MINUTES)) {
                throw new AssertionError(command + " took longer than " + MOST_MINUTES + " minutes");
            }
            return new Output(process.exitValue(), Files.readString(log, StandardCharsets.UTF_8));
        } finally {
            process.destroyForcibly();
        }
    }
}
