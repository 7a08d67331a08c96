package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.model.Architectures;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** {@code docs/MODELS.md} names exactly what the code supports. */
class SupportedModelsTest {
    private static final Pattern ARCHITECTURE_ROW = Pattern.compile("(?m)^\\| `([a-z0-9_-]+)` \\|");
    private static final Pattern TYPES_ROW = Pattern.compile("(?m)^\\| (?:vector|rows) \\| ([A-Z0-9_ ]+) \\|");

    @Test
    void architectures() throws IOException {
        List<String> documented = ARCHITECTURE_ROW
                .matcher(document())
                .results()
                .map(row -> row.group(1))
                .toList();
        assertThat(documented).containsExactlyInAnyOrderElementsOf(Architectures.names());
    }

    @Test
    void tensorTypes() throws IOException {
        List<String> documented = TYPES_ROW
                .matcher(document())
                .results()
                .flatMap(row -> Stream.of(row.group(1).split(" ")))
                .toList();
        List<String> weights = Stream.of(DType.values())
                .filter(type -> !type.isRemoved() && type != DType.Q8_1 && type != DType.Q8_K)
                .map(DType::name)
                .toList();
        assertThat(documented).containsExactlyInAnyOrderElementsOf(weights);
    }

    private static String document() throws IOException {
        for (Path folder = Path.of("").toAbsolutePath(); folder != null; folder = folder.getParent()) {
            Path file = folder.resolve("docs/MODELS.md");
            if (Files.exists(file)) {
                return Files.readString(file);
            }
        }
        throw new IOException(
                "docs/MODELS.md is in no folder above " + Path.of("").toAbsolutePath());
    }
}
