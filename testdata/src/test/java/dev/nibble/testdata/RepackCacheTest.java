package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ActivationType;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.Session;
import dev.nibble.gguf.GgufFile;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Rearranged weights in a file: whatever state it is in, the logits are those of a load without. */
@Tag("repack-cache")
class RepackCacheTest {
    private static final int[] TOKENS = {1, 7, 3, 12, 5, 9};

    @TempDir
    Path folder;

    private Path directory = Path.of("");
    private Path model = Path.of("");

    /** What a load gave. */
    private record Loaded(float[] logits, long mapped, long workspace) {}

    @BeforeEach
    void writeModel() throws IOException {
        directory = folder.resolve("cache");
        model = write("llama-Q4_0");
    }

    private Path write(String name) throws IOException {
        Path file = folder.resolve(name + ".gguf");
        Reference.ofTinyModel(name).writeTinyModel(name, file);
        return file;
    }

    private static Loaded load(Path file, LoadOptions options) throws IOException {
        try (Backend backend = Evaluation.openBackend(options.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] logits = Evaluation.evaluate(pass, TOKENS, KvCacheType.F32, 2);
            return new Loaded(logits, pass.mappedBytes(), pass.workspaceBytes());
        }
    }

    private Loaded load(Path file) throws IOException {
        return load(file, LoadOptions.DEFAULT.withRepackCache(directory));
    }

    /** The only file in the directory. */
    private Path cacheFile() throws IOException {
        try (Stream<Path> files = Files.list(directory)) {
            List<Path> all = files.toList();
            assertThat(all).hasSize(1);
            return all.getFirst();
        }
    }

    private void madeAnewAndThenMapped(float[] expected) throws IOException {
        Loaded anew = load(model);
        assertThat(anew.mapped).isZero();
        assertThat(anew.logits).isEqualTo(expected);
        Loaded next = load(model);
        assertThat(next.mapped).isPositive();
        assertThat(next.logits).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "llama-Q4_0",
                "llama-bias-Q4_1",
                "qwen2-Q5_0",
                "phi3-Q5_1",
                "qwen3-Q8_0",
                "llama-moe-Q4_K",
                "smollm3-Q5_K",
                "olmo2-Q6_K",
                "deepseek2"
            })
    void isMappedByTheSecondLoad(String name) throws IOException {
        Path file = write(name);
        Loaded plain = load(file, LoadOptions.DEFAULT);
        Loaded first = load(file);
        Loaded second = load(file);
        assertThat(first.logits).isEqualTo(plain.logits);
        assertThat(second.logits).isEqualTo(plain.logits);
        assertThat(first.mapped).isZero();
        assertThat(first.workspace).isEqualTo(plain.workspace);
        assertThat(second.workspace + second.mapped).isEqualTo(plain.workspace);
        if (name.contains("-Q")) {
            assertThat(second.mapped).isPositive();
        }
    }

    @Test
    void isNotMadeWhereNothingIsRearranged() throws IOException {
        load(model, LoadOptions.DEFAULT.withRepackCache(directory).withRepack(false));
        load(model, LoadOptions.DEFAULT.withRepackCache(directory).withActivations(ActivationType.F32));
        assertThat(directory).doesNotExist();
    }

    @Test
    void belongsToTheModelWhereverItLies() throws IOException {
        Loaded first = load(model);
        Path moved = Files.move(
                model, Files.createDirectories(folder.resolve("elsewhere")).resolve("other.gguf"));
        Loaded second = load(moved);
        assertThat(second.mapped).isPositive();
        assertThat(second.logits).isEqualTo(first.logits);
    }

    @Test
    void isMadeAnewAfterTheModelWasWrittenTo() throws IOException {
        load(model);
        // another scale, which no sample of the tensors need show
        try (RandomAccessFile bytes = new RandomAccessFile(model.toFile(), "rw")) {
            bytes.seek(bytes.length() - 3000);
            int old = bytes.read();
            bytes.seek(bytes.length() - 3000);
            bytes.write(old ^ 1);
        }
        Files.setLastModifiedTime(
                model, FileTime.fromMillis(Files.getLastModifiedTime(model).toMillis() + 5));
        float[] expected = load(model, LoadOptions.DEFAULT).logits;
        madeAnewAndThenMapped(expected);
    }

    @Test
    void isMadeAnewWhenItIsDamaged() throws IOException {
        float[] expected = load(model).logits;
        Path file = cacheFile();
        byte[] whole = Files.readAllBytes(file);
        for (int length : new int[] {0, 50, 1000, whole.length - 1}) {
            Files.write(file, java.util.Arrays.copyOf(whole, length));
            madeAnewAndThenMapped(expected);
        }
        for (int at : new int[] {3, 9, 40, 80, whole.length - 2}) {
            byte[] changed = whole.clone();
            changed[at] ^= 4;
            Files.write(file, changed);
            madeAnewAndThenMapped(expected);
        }
        Files.writeString(file, "something else");
        madeAnewAndThenMapped(expected);
    }

    @Test
    void doesNotMixModelsUp() throws IOException {
        Path other = write("llama-bias-Q4_1");
        float[] expected = load(other, LoadOptions.DEFAULT).logits;
        load(model);
        Files.copy(cacheFile(), folder.resolve("of-the-first"));
        Loaded loaded = load(other);
        assertThat(loaded.mapped).isZero();
        assertThat(loaded.logits).isEqualTo(expected);
        // the first model's file under the second one's name
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.write(file, Files.readAllBytes(folder.resolve("of-the-first")));
            }
        }
        loaded = load(other);
        assertThat(loaded.mapped).isZero();
        assertThat(loaded.logits).isEqualTo(expected);
    }

    @Test
    void aDirectoryThatCannotBeWrittenToIsNoFailure() throws IOException {
        Files.writeString(directory, "a file where the directory should be");
        Loaded loaded = load(model);
        assertThat(loaded.mapped).isZero();
        assertThat(loaded.logits).isEqualTo(load(model, LoadOptions.DEFAULT).logits);
    }

    @Test
    void severalMayWriteAtATime() throws Exception {
        float[] expected = load(model, LoadOptions.DEFAULT).logits;
        List<Callable<Loaded>> tasks = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            tasks.add(() -> load(model));
        }
        try (ExecutorService threads = Executors.newFixedThreadPool(tasks.size())) {
            for (Future<Loaded> result : threads.invokeAll(tasks)) {
                assertThat(result.get().logits).isEqualTo(expected);
            }
        }
        assertThat(cacheFile()).isRegularFile();
        assertThat(load(model).mapped).isPositive();
    }

    @Test
    void theMemoryPlanSaysWhatIsMapped() throws IOException {
        LoadOptions options = LoadOptions.DEFAULT.withRepackCache(directory);
        try (LanguageModel first = LanguageModel.load(model, options);
                LanguageModel second = LanguageModel.load(model, options)) {
            assertThat(first.memoryPlan().mappedCopies()).isZero();
            assertThat(second.memoryPlan().mappedCopies()).isPositive();
            assertThat(second.memoryPlan().total())
                    .isEqualTo(first.memoryPlan().total());
        }
    }

    /** Loads a model, runs its kernels until they are compiled, cuts the file they read from short and runs them again. */
    public static final class Main {
        /** Model and directory. */
        public static void main(String[] args) throws IOException {
            LoadOptions options = LoadOptions.DEFAULT.withThreads(2).withRepackCache(Path.of(args[1]));
            LanguageModel.load(Path.of(args[0]), options).close();
            try (LanguageModel model = LanguageModel.load(Path.of(args[0]), options);
                    Session session = model.newSession()) {
                System.out.println("mapped " + (model.memoryPlan().mappedCopies() > 0));
                for (int i = 0; i < 100; i++) {
                    session.evaluate(new int[] {1}, false);
                }
                try (Stream<Path> files = Files.list(Path.of(args[1]))) {
                    for (Path file : files.toList()) {
                        try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
                            cut.setLength(1000);
                        }
                    }
                }
                try {
                    session.evaluate(new int[] {1}, false);
                } catch (ModelFormatException e) {
                    System.out.println("exception " + e.getMessage());
                }
            }
            System.out.println("alive");
        }
    }

    @Test
    void aFileThatIsCutShortWhileMappedIsANamedException() throws Exception {
        List<String> command = List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                Stream.of(LanguageModel.class, GgufFile.class, Main.class)
                        .map(RepackCacheTest::location)
                        .reduce((a, b) -> a + java.io.File.pathSeparator + b)
                        .orElseThrow(),
                Main.class.getName(),
                model.toString(),
                directory.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output)
                .contains("mapped true", "this file of rearranged weights was cut short while in use", "alive");
        assertThat(process.exitValue()).isZero();
    }

    private static String location(Class<?> type) {
        return Path.of(java.net.URI.create(
                        type.getProtectionDomain().getCodeSource().getLocation().toString()))
                .toString();
    }
}
