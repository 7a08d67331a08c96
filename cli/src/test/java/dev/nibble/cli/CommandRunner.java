package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.cli.models.Environment;
import dev.nibble.testdata.TinyModels;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Runs command lines in this process and keeps what they print. */
final class CommandRunner {
    private final Map<String, String> variables = new HashMap<>();
    private final Path home;

    CommandRunner(Path home) {
        this.home = home;
        variables.put("HF_HUB_OFFLINE", "1");
    }

    /** What a command did. */
    record Result(int code, String out, String err) {
        List<String> errLines() {
            return err.lines().toList();
        }
    }

    /** A tiny model of random weights, written into a folder. */
    static String tinyModel(Path folder) throws IOException {
        Path file = folder.resolve("tiny.gguf");
        TinyModels.write("llama", 1, file);
        return file.toString();
    }

    CommandRunner with(String variable, String value) {
        variables.put(variable, value);
        return this;
    }

    Result run(String... arguments) {
        return runWithInput("", arguments);
    }

    /** Runs a command that has to end well. */
    Result succeed(String... arguments) {
        Result result = run(arguments);
        assertThat(result.code()).as(result.err()).isZero();
        return result;
    }

    Result runWithInput(String input, String... arguments) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream err = new ByteArrayOutputStream();
        Streams streams = new Streams(
                new ByteArrayInputStream(input.getBytes(StandardCharsets.UTF_8)),
                new PrintStream(out, false, StandardCharsets.UTF_8),
                new PrintStream(err, false, StandardCharsets.UTF_8),
                false,
                false,
                new Environment(variables, home, "Linux"));
        int code = new Cli(streams).run(arguments);
        return new Result(code, out.toString(StandardCharsets.UTF_8), err.toString(StandardCharsets.UTF_8));
    }
}
