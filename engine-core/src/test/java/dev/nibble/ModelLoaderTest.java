package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.ModelFormat;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ModelLoaderTest {
    private static final List<ModelFormat> FORMATS = List.of(new NoFormat());

    @TempDir
    Path folder;

    @Test
    void withoutAFormatItNamesTheDependency() throws IOException {
        Path file = Files.writeString(folder.resolve("m.gguf"), "GGUF");
        assertThatThrownBy(() -> LanguageModel.open(file))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("add the dependency dev.nibble:nibble-engine-gguf");
        assertThatThrownBy(() -> LanguageModel.load(file)).hasMessageContaining("nibble-engine-gguf");
    }

    @Test
    void whatIsNoModelFileIsNamed() throws IOException {
        assertThatThrownBy(() -> ModelLoader.open(folder.resolve("none"), FORMATS))
                .isInstanceOf(NoSuchFileException.class)
                .hasMessageContaining("none")
                .hasMessageContaining("there is no such file");
        assertThatThrownBy(() -> ModelLoader.open(folder, FORMATS))
                .isInstanceOf(IOException.class)
                .hasMessageEndingWith(" is a directory, not a model file");
        Path text = Files.writeString(folder.resolve("text"), "hello");
        assertThatThrownBy(() -> ModelLoader.open(text, FORMATS))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageEndingWith("text: not mine");
    }

    @Test
    void autoTakesTheBestThatCanRun() {
        BackendProvider cpu = new FakeProvider("cpu", 0, "");
        BackendProvider gpu = new FakeProvider("gpu", 10, "");
        BackendProvider broken = new FakeProvider("broken", 20, "no device");
        assertThat(ModelLoader.backend("auto", List.of(cpu, broken, gpu))).isSameAs(gpu);
        assertThat(ModelLoader.backend("auto", List.of(broken, cpu))).isSameAs(cpu);
        assertThatThrownBy(() -> ModelLoader.backend("auto", List.of(broken)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no backend can run here; broken: no device");
    }

    @Test
    void aNamedBackendIsTakenOrAnError() {
        BackendProvider cpu = new FakeProvider("cpu", 0, "");
        BackendProvider broken = new FakeProvider("broken", 20, "no device");
        assertThat(ModelLoader.backend("cpu", List.of(broken, cpu))).isSameAs(cpu);
        assertThatThrownBy(() -> ModelLoader.backend("broken", List.of(cpu, broken)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the backend broken cannot run here: no device");
        assertThatThrownBy(() -> ModelLoader.backend("gpu", List.of(cpu, broken)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no backend 'gpu'; there are auto, broken, cpu");
        assertThatThrownBy(() -> ModelLoader.backend("auto", List.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no backend is installed");
    }

    private static final class NoFormat implements ModelFormat {
        @Override
        public String name() {
            return "NONE";
        }

        @Override
        public boolean recognizes(Path file) {
            return false;
        }

        @Override
        public ModelSource open(Path file) {
            throw new ModelFormatException(file + ": not mine");
        }
    }

    private record FakeProvider(String name, int priority, String problem) implements BackendProvider {
        @Override
        public Availability probe() {
            return problem.isEmpty() ? new Availability.Available(name) : new Availability.Unavailable(problem);
        }

        @Override
        public Backend open(LoadOptions options) {
            throw new AssertionError();
        }
    }
}
