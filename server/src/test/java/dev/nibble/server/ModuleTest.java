package dev.nibble.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import org.junit.jupiter.api.Test;

/** What the module gives and needs: a change here is a change for users. */
class ModuleTest {
    private static ModuleDescriptor descriptor() throws IOException {
        try (InputStream in = NibbleServer.class.getResourceAsStream("/module-info.class")) {
            assertThat(in).isNotNull();
            return ModuleDescriptor.read(in);
        }
    }

    @Test
    void exportsOnePackage() throws IOException {
        assertThat(descriptor().exports())
                .extracting(ModuleDescriptor.Exports::source)
                .containsExactly("dev.nibble.server");
        assertThat(descriptor().opens()).isEmpty();
    }

    @Test
    void needsTheEngineAndTheJdkAlone() throws IOException {
        assertThat(descriptor().requires())
                .filteredOn(required -> !required.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC))
                .extracting(ModuleDescriptor.Requires::name)
                .containsExactlyInAnyOrder("java.base", "dev.nibble.core", "dev.nibble.gguf", "jdk.httpserver");
    }
}
