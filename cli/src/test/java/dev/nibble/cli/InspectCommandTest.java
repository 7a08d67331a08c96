package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class InspectCommandTest {
    @TempDir
    private Path folder;

    private String inspect(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        TinyModels.write(name, 1, file);
        CommandRunner.Result result = new CommandRunner(folder).run("inspect", file.toString());
        assertThat(result.code()).as(result.err()).isZero();
        return result.out();
    }

    @Test
    void blocksThatPredictAreCounted() throws IOException {
        assertThat(inspect("glm4moe-mtp"))
                .containsPattern("predicts +1 further token, by blocks that guess with --mtp");
        assertThat(inspect("qwen35-mtp")).containsPattern("predicts +2 further tokens, by blocks");
        assertThat(inspect("glm4moe")).doesNotContain("predicts");
    }
}
