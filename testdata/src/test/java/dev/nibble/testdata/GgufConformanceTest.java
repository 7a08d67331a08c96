package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.gguf.GgufFile;
import dev.nibble.model.StringArray;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Opens every file of the reference data. */
class GgufConformanceTest {
    @TempDir
    Path folder;

    @BeforeEach
    void needData() {
        assumeTrue(Conformance.isPresent(), Conformance.missing());
    }

    @Test
    void models() throws IOException {
        List<Path> files = new ArrayList<>(Conformance.files("archs", ".gguf"));
        files.addAll(Conformance.files("quant-models", ".gguf"));
        assertThat(files).hasSizeGreaterThanOrEqualTo(60);
        for (Path file : files) {
            try (GgufFile gguf = GgufFile.open(file)) {
                assertThat(gguf.metadata().contains("general.architecture"))
                        .as("%s", file)
                        .isTrue();
                assertThat(gguf.tensor("token_embd.weight")).as("%s", file).isPresent();
            }
        }
    }

    @Test
    void everyTensorType() throws IOException {
        try (GgufFile gguf = GgufFile.open(Conformance.path("quants.gguf"))) {
            assertThat(gguf.tensors()).hasSize(54).allSatisfy(tensor -> {
                assertThat(tensor.columns()).isEqualTo(512);
                assertThat(tensor.rows()).isEqualTo(8);
                assertThat(tensor.dtype().name()).isEqualTo(tensor.name().endsWith(".f32") ? "F32" : tensor.name());
            });
        }
    }

    @Test
    void vocabularies() throws IOException {
        List<Path> packed = Conformance.files("tokenizers", ".gguf.gz");
        assertThat(packed).hasSizeGreaterThanOrEqualTo(6);
        for (Path file : packed) {
            try (GgufFile gguf = GgufFile.open(Conformance.unpack(file, folder))) {
                assertThat(gguf.tensors()).isEmpty();
                StringArray tokens = gguf.metadata().optionalStrings("tokenizer.ggml.tokens");
                assertThat(tokens).as("%s", file).isNotNull();
                int length = 0;
                for (int i = 0; tokens != null && i < tokens.size(); i++) {
                    length += tokens.bytes(i).length;
                }
                assertThat(length).as("%s", file).isGreaterThan(100_000);
                System.out.printf(
                        "%s: %d tokens, opened in %.1f ms%n",
                        file.getFileName(),
                        tokens == null ? 0 : tokens.size(),
                        gguf.parseTime().toNanos() / 1e6);
            }
        }
    }
}
