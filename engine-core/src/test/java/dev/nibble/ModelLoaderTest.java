package dev.nibble;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.ModelFormat;
import dev.nibble.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
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
        assertThat(ModelLoader.backends("auto", List.of(cpu, broken, gpu))).containsExactly(gpu, cpu);
        assertThat(ModelLoader.backends("auto", List.of(broken, cpu))).containsExactly(cpu);
        assertThatThrownBy(() -> ModelLoader.backends("auto", List.of(broken)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("no backend can run here; broken: no device");
    }

    @Test
    void aNamedBackendIsTakenOrAnError() {
        BackendProvider cpu = new FakeProvider("cpu", 0, "");
        BackendProvider broken = new FakeProvider("broken", 20, "no device");
        assertThat(ModelLoader.backends("cpu", List.of(broken, cpu))).containsExactly(cpu);
        assertThatThrownBy(() -> ModelLoader.backends("broken", List.of(cpu, broken)))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the backend broken cannot run here: no device");
        assertThatThrownBy(() -> ModelLoader.backends("gpu", List.of(cpu, broken)))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("there is no backend 'gpu'; there are auto, broken, cpu");
        assertThatThrownBy(() -> ModelLoader.backends("auto", List.of()))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("no backend is installed");
    }

    @Test
    void goesOnToTheNextBackendWhereOneLacksSomething() {
        List<String> closed = new ArrayList<>();
        BackendProvider lacking = new CompilingProvider("gpu", "the backend gpu lacks experts", closed);
        BackendProvider cpu = new CompilingProvider("cpu", "", closed);
        Model model = emptyModel();
        ModelLoader.Compiled compiled =
                ModelLoader.compile(List.of(lacking, cpu), model, new NoSource(), LoadOptions.DEFAULT, new OpenParts());
        assertThat(compiled.backend().description()).isEqualTo("cpu");
        assertThat(closed).containsExactly("gpu");
        assertThatThrownBy(() -> ModelLoader.compile(
                        List.of(lacking), model, new NoSource(), LoadOptions.DEFAULT, new OpenParts()))
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessage("the backend gpu lacks experts");
    }

    /** Stands for the file, which these backends do not ask. */
    private static final class NoSource implements ModelSource {
        @Override
        public String name() {
            return "none";
        }

        @Override
        public Metadata metadata() {
            return new Metadata("none", Map.of());
        }

        @Override
        public Collection<Tensor> tensors() {
            return List.of();
        }

        @Override
        public Optional<Tensor> tensor(String name) {
            return Optional.empty();
        }

        @Override
        public void close() {}
    }

    private static Model emptyModel() {
        return FakeModel.model(new ModelConfig("fake", 1, 1, 1, 0, 1, 1, 0));
    }

    private record CompilingProvider(String name, String lacks, List<String> closed) implements BackendProvider {
        @Override
        public int priority() {
            return 0;
        }

        @Override
        public Availability probe() {
            return new Availability.Available(name);
        }

        @Override
        public Backend open(LoadOptions options) {
            return new Backend() {
                @Override
                public String description() {
                    return name;
                }

                @Override
                public ForwardPass compile(Model model) {
                    if (!lacks.isEmpty()) {
                        throw new UnsupportedModelException(lacks);
                    }
                    return new FakeForwardPass(1);
                }

                @Override
                public void close() {
                    closed.add(name);
                }
            };
        }
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
