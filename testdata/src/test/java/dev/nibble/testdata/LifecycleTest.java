package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.Session;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Model.Pooling;
import dev.nibble.sampling.LogitsProcessor;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.ModelFormat;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.CancellationException;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a model opens is given back: by a load that fails or is interrupted, and by closing from anywhere. */
@Timeout(120)
@Tag("class-path")
class LifecycleTest {
    private static final LoadOptions COUNTING =
            LoadOptions.DEFAULT.withBackend(CountingBackend.NAME).withThreads(2);

    @TempDir
    Path folder;

    private Path file;
    private ClassLoader before;
    private URLClassLoader installed;
    private Set<Thread> threads;

    @BeforeEach
    void writeModel() throws IOException {
        file = folder.resolve("lifecycle-model.gguf");
        TinyModels.write("llama", 1, DType.Q8_0, file);
        before = Thread.currentThread().getContextClassLoader();
        installed = CountingBackend.installed(folder);
        Thread.currentThread().setContextClassLoader(installed);
        CountingBackend.beforeCompiling = () -> {};
        threads = workers();
    }

    @AfterEach
    void restore() throws IOException {
        Thread.interrupted();
        Thread.currentThread().setContextClassLoader(before);
        installed.close();
    }

    private static Set<Thread> workers() {
        return Thread.getAllStackTraces().keySet().stream()
                .filter(thread -> thread.getName().startsWith("nibble-"))
                .collect(Collectors.toSet());
    }

    private void assertAllGivenBack(Path mapped) throws Exception {
        assertThat(CountingBackend.passes).hasValue(0);
        assertThat(CountingBackend.backends).hasValue(0);
        for (Thread worker : workers()) {
            if (!threads.contains(worker)) {
                worker.join(TimeUnit.SECONDS.toMillis(30));
                assertThat(worker.isAlive()).as(worker.getName()).isFalse();
            }
        }
        Path maps = Path.of("/proc/self/maps");
        if (Files.exists(maps)) {
            assertThat(Files.readAllLines(maps))
                    .noneMatch(line -> line.contains(mapped.getFileName().toString()));
        }
    }

    private static void assertInterrupted(Callable<?> load, Path file) {
        assertThatThrownBy(load::call)
                .isInstanceOf(InterruptedIOException.class)
                .hasMessage(file + ": loading was given up, as the thread was interrupted");
        assertThat(Thread.currentThread().isInterrupted()).isTrue();
    }

    @Test
    void aLoadThatFailsAfterCompilingLeavesNothingOpen() throws Exception {
        Path bad = folder.resolve("lifecycle-bad.gguf");
        try (GgufFile base = GgufFile.open(file)) {
            new HostileModel(base).set("general.sampling.temp", -1.0).write(bad);
        }
        assertThatThrownBy(() -> LanguageModel.load(bad, COUNTING))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("general.sampling.temp");
        assertAllGivenBack(bad);
    }

    @Test
    void anEmbeddingModelThatIsRefusedLeavesNothingOpen() throws Exception {
        EmbeddingOptions mean = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);
        assertThatThrownBy(() -> EmbeddingModel.load(file, COUNTING.withContextLength(100_000), mean))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("contextLength must be at most");
        assertAllGivenBack(file);
    }

    @Test
    void aLoadOfAnInterruptedThreadLeavesNothingOpen() throws Exception {
        Thread.currentThread().interrupt();
        assertInterrupted(() -> LanguageModel.load(file, COUNTING), file);
        assertInterrupted(() -> EmbeddingModel.load(file, COUNTING), file);
        assertInterrupted(() -> LanguageModel.open(file), file);
        Thread.interrupted();
        assertAllGivenBack(file);
    }

    @Test
    void anInterruptWhileTheModelIsCompiledEndsTheLoad() throws Exception {
        CountingBackend.beforeCompiling = () -> Thread.currentThread().interrupt();
        assertInterrupted(() -> LanguageModel.load(file, COUNTING), file);
        Thread.interrupted();
        assertAllGivenBack(file);
    }

    @Test
    void closingFromACallbackGivesEverythingBackWhenTheCallEnds() throws Exception {
        LanguageModel model = LanguageModel.load(file, COUNTING);
        Session other = model.newSession();
        other.evaluate(new int[] {1, 2, 3}, false);
        LogitsProcessor closing = (logits, tokens, count) -> model.close();
        Generation generation =
                model.newSession().generate("abc", GenerationOptions.GREEDY.withLogitsProcessors(List.of(closing)));
        assertThat(generation.finishReason()).isIn(FinishReason.CANCELLED, FinishReason.STOP_TOKEN);
        assertAllGivenBack(file);
        model.close();
        assertThatThrownBy(() -> other.evaluate(new int[] {1}, false))
                .isInstanceOf(IllegalStateException.class)
                .hasMessage("the model is closed");
    }

    @Test
    void anInterruptEndsEmbeddingAndTheModelGoesOn() throws Exception {
        EmbeddingOptions mean = EmbeddingOptions.DEFAULT.withPooling(Pooling.MEAN);
        try (EmbeddingModel model = EmbeddingModel.load(file, COUNTING, mean)) {
            float[] expected = model.embed("abc");
            Thread.currentThread().interrupt();
            assertThatThrownBy(() -> model.embed("abc")).isInstanceOf(CancellationException.class);
            assertThat(Thread.interrupted()).isTrue();
            assertThat(model.embed("abc")).isEqualTo(expected);
        }
        assertAllGivenBack(file);
    }

    @Test
    void theContextClassLoaderAddsBackendsOnce() throws Exception {
        int made = CountingBackend.providers.get();
        try (LanguageModel model = LanguageModel.load(file, COUNTING)) {
            assertThat(model.backendDescription()).isEqualTo(CountingBackend.NAME);
        }
        assertThat(CountingBackend.providers).hasValue(made + 1);
        assertThatThrownBy(() -> LanguageModel.load(file, COUNTING.withBackend("none")))
                .hasMessage("there is no backend 'none'; there are counting, cpu");
    }

    /** As in plug-ins and executable jars: the library in a class loader of its own, which the thread's does not know. */
    @Test
    void theLibraryLoadsWhateverTheContextClassLoader() throws Exception {
        ClassLoader system = ClassLoader.getSystemClassLoader();
        try (URLClassLoader separate = new URLClassLoader(libraryRoots(), ClassLoader.getPlatformClassLoader())) {
            Class<?> type = separate.loadClass(LanguageModel.class.getName());
            assumeTrue(type != LanguageModel.class, "the library is a module here");
            for (ClassLoader context : new ClassLoader[] {null, ClassLoader.getPlatformClassLoader(), system, before}) {
                Thread.currentThread().setContextClassLoader(context);
                try (var model =
                        (AutoCloseable) type.getMethod("load", Path.class).invoke(null, file)) {
                    assertThat(type.getMethod("backendDescription")
                                    .invoke(model)
                                    .toString())
                            .startsWith("cpu");
                }
            }
        }
    }

    private static URL[] libraryRoots() throws IOException {
        Set<String> roots = new LinkedHashSet<>();
        for (Class<?> type : List.of(LanguageModel.class, GgufFile.class)) {
            roots.add(type.getProtectionDomain().getCodeSource().getLocation().toString());
        }
        for (Class<?> service : List.of(ModelFormat.class, BackendProvider.class)) {
            String name = "META-INF/services/" + service.getName();
            for (URL found :
                    Collections.list(LanguageModel.class.getClassLoader().getResources(name))) {
                String root = found.toString().replace(name, "");
                if (root.startsWith("file:")) { // those in jars are among the locations above
                    roots.add(root);
                }
            }
        }
        URL[] urls = new URL[roots.size()];
        int count = 0;
        for (String root : roots) {
            urls[count++] = URI.create(root).toURL();
        }
        return urls;
    }
}
