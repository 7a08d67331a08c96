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

/**
 * The clients that people have, as they are published: each in an environment of its own, with its version fixed. Where there is no
 * Python with venv and pip, no Node with npm, or no package index, they are skipped, and say so. That of OpenAI for Python is always
 * tried, the others with {@code -Dnibble.clients=all}.
 */
class ClientsTest {
    private static final long MOST_MINUTES = 8;
    private static final boolean WINDOWS = System.getProperty("os.name").startsWith("Windows");

    /** Kept, so that they are fetched once. */
    private static final Path FOLDER = Path.of("target", "clients").toAbsolutePath();

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
        python("openai", "openai==3.57.0");
    }

    @Test
    void ollama() throws Exception {
        requireAll();
        python("ollama", "ollama==0.6.3");
    }

    @Test
    void anthropic() throws Exception {
        requireAll();
        python("anthropic", "anthropic==2.14.0");
    }

    @Test
    void langChain() throws Exception {
        requireAll();
        python("langchain", "langchain-openai==1.7.4", "langchain-ollama==1.1.0");
    }

    @Test
    void openAiForNode() throws Exception {
        requireAll();
        node("openai", "openai@7.59.0");
    }

    @Test
    void ollamaForNode() throws Exception {
        requireAll();
        node("ollama", "ollama@0.6.4");
    }

    private static void requireAll() {
        Assumptions.assumeTrue(
                "all".equals(System.getProperty("nibble.clients")), "long: runs with -Dnibble.clients=all");
    }

    private static void python(String client, String... packages) throws Exception {
        Path environment = FOLDER.resolve(client);
        Path python = environment.resolve(WINDOWS ? "Scripts/python.exe" : "bin/python");
        if (!isInstalled(environment, packages)) {
            prepare(List.of(WINDOWS ? "python" : "python3", "-m", "venv", environment.toString()));
            List<String> install = new ArrayList<>(List.of(
                    python.toString(),
                    "-m",
                    "pip",
                    "install",
                    "-q",
                    "--disable-pip-version-check",
                    "--only-binary=:all:"));
            install.addAll(List.of(packages));
            prepare(install);
            installed(environment, packages);
        }
        run(environment, python.toString(), client + "_client.py");
    }

    private static void node(String client, String... packages) throws Exception {
        Path environment = FOLDER.resolve(client + "-node");
        if (!isInstalled(environment, packages)) {
            Files.createDirectories(environment);
            List<String> install = new ArrayList<>(List.of(
                    WINDOWS ? "npm.cmd" : "npm",
                    "install",
                    "--silent",
                    "--no-audit",
                    "--ignore-scripts",
                    "--prefix",
                    environment.toString()));
            install.addAll(List.of(packages));
            prepare(install);
            installed(environment, packages);
        }
        run(environment, "node", client + "_client.mjs");
    }

    private static boolean isInstalled(Path environment, String... packages) throws IOException {
        Path mark = environment.resolve("installed");
        return Files.exists(mark) && Files.readString(mark).equals(String.join(" ", packages));
    }

    private static void installed(Path environment, String... packages) throws IOException {
        Files.writeString(environment.resolve("installed"), String.join(" ", packages));
    }

    private static void run(Path environment, String interpreter, String name) throws Exception {
        Path script = environment.resolve(name);
        try (InputStream in = ClientsTest.class.getResourceAsStream("/clients/" + name)) {
            Files.copy(Objects.requireNonNull(in), script, StandardCopyOption.REPLACE_EXISTING);
        }

        Output output = execute(List.of(interpreter, script.toString(), String.valueOf(server.server.uri())));

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
            abort(command.getFirst() + " is not there: " + e.getMessage());
            return;
        }
        if (output.code() != 0) {
            abort(String.join(" ", command) + " failed: " + output.text().strip());
        }
    }

    private record Output(int code, String text) {}

    private static Output execute(List<String> command) throws Exception {
        Path log = Files.createTempFile(Files.createDirectories(FOLDER), "client", ".log");
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
            Files.deleteIfExists(log);
        }
    }
}
