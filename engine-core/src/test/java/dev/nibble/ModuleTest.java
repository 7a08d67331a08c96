package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** What the module gives and needs: a change here is a change for users. */
class ModuleTest {
    private static ModuleDescriptor descriptor() throws IOException {
        try (InputStream in = LanguageModel.class.getResourceAsStream("/module-info.class")) {
            assertThat(in).isNotNull();
            return ModuleDescriptor.read(in);
        }
    }

    @Test
    void exports() throws IOException {
        assertThat(descriptor().exports())
                .filteredOn(exported -> !exported.isQualified())
                .extracting(ModuleDescriptor.Exports::source)
                .containsExactlyInAnyOrder(
                        "dev.nibble",
                        "dev.nibble.chat",
                        "dev.nibble.constraint",
                        "dev.nibble.model",
                        "dev.nibble.sampling",
                        "dev.nibble.spi",
                        "dev.nibble.tensor",
                        "dev.nibble.tokenizer");
        assertThat(descriptor().opens()).isEmpty();
    }

    /** The module for files needs the block formats and the way of writing, the server needs JSON; none of it is API. */
    @Test
    void showsInternalsToNoOneButItsOwnModules() throws IOException {
        assertThat(descriptor().exports())
                .filteredOn(ModuleDescriptor.Exports::isQualified)
                .extracting(ModuleDescriptor.Exports::source, ModuleDescriptor.Exports::targets)
                .containsExactlyInAnyOrder(
                        tuple("dev.nibble.cpu.quant", Set.of("dev.nibble.gguf")),
                        tuple("dev.nibble.io", Set.of("dev.nibble.gguf")),
                        tuple("dev.nibble.json", Set.of("dev.nibble.server")));
    }

    @Test
    void needsNothingButTheJdk() throws IOException {
        assertThat(descriptor().requires())
                .filteredOn(required -> !required.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC))
                .extracting(ModuleDescriptor.Requires::name)
                .containsExactlyInAnyOrder("java.base", "jdk.incubator.vector");
    }

    @Test
    void findsFormatsAndBackendsAsServices() throws IOException {
        assertThat(descriptor().uses())
                .containsExactlyInAnyOrder("dev.nibble.spi.BackendProvider", "dev.nibble.spi.ModelFormat");
        assertThat(descriptor().provides())
                .extracting(ModuleDescriptor.Provides::service)
                .containsExactly("dev.nibble.spi.BackendProvider");
    }
}
