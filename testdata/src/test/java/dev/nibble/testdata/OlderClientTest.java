package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A program compiled against an early version of the library runs with this one: options and results grow without breaking
 * those who use them. Its source is in src/test/older.
 */
class OlderClientTest {
    @TempDir
    Path folder;

    @Test
    void runsUnchanged() throws Exception {
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, file);
        URL jar = getClass().getResource("/older/older-client.jar");
        assertThat(jar).isNotNull();
        try (URLClassLoader loader =
                new URLClassLoader(new URL[] {jar}, getClass().getClassLoader())) {
            @SuppressWarnings("unchecked")
            Function<Path, List<String>> client =
                    (Function<Path, List<String>>) loader.loadClass("com.example.older.OlderClient")
                            .getDeclaredConstructor()
                            .newInstance();
            assertThat(client.apply(file))
                    .containsExactly(
                            "tokens 5",
                            "same text true",
                            "reason MAX_TOKENS",
                            "alternatives 10",
                            "constrained true",
                            "chat true",
                            "tools true",
                            "refused true",
                            "stats 5",
                            "plan true",
                            "sessions 1");
        }
    }
}
