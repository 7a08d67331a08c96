package dev.nibble.gguf;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.util.Objects;
import org.junit.jupiter.api.Test;

class ModuleTest {
    private static final String SERVICE = "dev.nibble.spi.ModelFormat";

    private final ModuleDescriptor module =
            Objects.requireNonNull(GgufFile.class.getModule().getDescriptor());

    @Test
    void exportsOnePackage() {
        assertThat(module.exports())
                .extracting(ModuleDescriptor.Exports::source)
                .containsExactly("dev.nibble.gguf");
    }

    @Test
    void providesTheFormatOnModulePathAndClassPath() throws IOException {
        String provider = GgufModelFormat.class.getName();
        assertThat(module.provides()).singleElement().satisfies(provides -> {
            assertThat(provides.service()).isEqualTo(SERVICE);
            assertThat(provides.providers()).containsExactly(provider);
        });
        try (InputStream in = GgufFile.class.getResourceAsStream("/META-INF/services/" + SERVICE)) {
            assertThat(new String(Objects.requireNonNull(in).readAllBytes(), UTF_8))
                    .isEqualToIgnoringNewLines(provider);
        }
    }
}
