package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ActivationType;
import dev.nibble.KvCacheType;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tensor.DType;
import java.io.File;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
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
    private record Loaded(float[] logits, List<String> messages, long workspace, Map<DType, String> kernels) {
        /** Whether all copies are from the file. */
        boolean wasRead() {
            return messages.toString().contains("rearranged weights are read from here")
                    && !messages.toString().contains("made");
        }
    }

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
        try (LogMessages log = new LogMessages("dev.nibble.cpu");
                Backend backend = Evaluation.openBackend(options.withThreads(2));
                GgufFile source = GgufFile.open(file);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            float[] logits = Evaluation.evaluate(pass, TOKENS, KvCacheType.F32, 2);
            return new Loaded(logits, log.messages(), pass.workspaceBytes(), pass.kernels());
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

    private void madeAnewAndThenRead(float[] expected) throws IOException {
        Loaded anew = load(model);
        assertThat(anew.messages)
                .anySatisfy(message ->
                        assertThat(message).contains(cacheFile().toString(), "rearranged weights are made anew: "));
        assertThat(anew.logits).isEqualTo(expected);
        Loaded next = load(model);
        assertThat(next.wasRead()).isTrue();
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
    void isReadByTheSecondLoad(String name) throws IOException {
        Path file = write(name);
        Loaded plain = load(file, LoadOptions.DEFAULT);
        Loaded first = load(file);
        Loaded second = load(file);
        assertThat(first.logits).isEqualTo(plain.logits);
        assertThat(second.logits).isEqualTo(plain.logits);
        assertThat(first.wasRead()).isFalse();
        // Floats are rearranged for machine code alone.
        boolean rearranged = name.contains("-Q")
                || plain.kernels.values().stream().anyMatch(kernel -> kernel.contains("machine code"));
        assertThat(second.wasRead()).isEqualTo(rearranged);
        assertThat(List.of(first.workspace, second.workspace)).containsOnly(plain.workspace);
        assertThat(List.of(first.kernels, second.kernels)).containsOnly(plain.kernels);
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
        assertThat(second.wasRead()).isTrue();
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
        madeAnewAndThenRead(expected);
    }

    @Test
    void isMadeAnewWhenItIsDamaged() throws IOException {
        float[] expected = load(model).logits;
        Path file = cacheFile();
        byte[] whole = Files.readAllBytes(file);
        for (int length : new int[] {0, 50, 1000, whole.length - 1}) {
            Files.write(file, Arrays.copyOf(whole, length));
            madeAnewAndThenRead(expected);
        }
        for (int at : new int[] {3, 9, 40, 80, whole.length / 2, whole.length - 2}) {
            byte[] changed = whole.clone();
            changed[at] ^= 4;
            Files.write(file, changed);
            madeAnewAndThenRead(expected);
        }
        byte[] noise = new byte[4096];
        new Random(1).nextBytes(noise);
        byte[] ones = new byte[4096];
        Arrays.fill(ones, (byte) -1);
        for (byte[] part : List.of(noise, ones, new byte[4096])) {
            byte[] changed = whole.clone();
            System.arraycopy(part, 0, changed, whole.length / 2, part.length);
            Files.write(file, changed);
            madeAnewAndThenRead(expected);
        }
        Files.writeString(file, "something else");
        madeAnewAndThenRead(expected);
    }

    @Test
    void doesNotMixModelsUp() throws IOException {
        Path other = write("llama-bias-Q4_1");
        float[] expected = load(other, LoadOptions.DEFAULT).logits;
        load(model);
        Files.copy(cacheFile(), folder.resolve("of-the-first"));
        Loaded loaded = load(other);
        assertThat(loaded.wasRead()).isFalse();
        assertThat(loaded.logits).isEqualTo(expected);
        // the first model's file under the second one's name
        try (Stream<Path> files = Files.list(directory)) {
            for (Path file : files.toList()) {
                Files.write(file, Files.readAllBytes(folder.resolve("of-the-first")));
            }
        }
        loaded = load(other);
        assertThat(loaded.wasRead()).isFalse();
        assertThat(loaded.logits).isEqualTo(expected);
    }

    @Test
    void aDirectoryThatCannotBeWrittenToIsNoFailure() throws IOException {
        Files.writeString(directory, "a file where the directory should be");
        Loaded loaded = load(model);
        assertThat(loaded.wasRead()).isFalse();
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
        assertThat(load(model).wasRead()).isTrue();
    }

    /** A model file that is cut short after it was opened is a named exception, with copies kept in a file and without. */
    @Test
    void aModelThatIsCutShortDuringALoadIsANamedException() throws IOException {
        load(model); // else only the first of the files to be read is looked at
        for (LoadOptions options : List.of(
                LoadOptions.DEFAULT,
                LoadOptions.DEFAULT.withRepackCache(directory),
                LoadOptions.DEFAULT.withRepackCache(folder.resolve("other")))) {
            Path cut = Files.copy(model, folder.resolve("cut.gguf"), StandardCopyOption.REPLACE_EXISTING);
            try (Backend backend = Evaluation.openBackend(options.withThreads(2));
                    GgufFile source = GgufFile.open(cut)) {
                Model described = Architectures.read(source, 64);
                try (RandomAccessFile bytes = new RandomAccessFile(cut.toFile(), "rw")) {
                    bytes.setLength(bytes.length() / 2);
                }
                assertThatThrownBy(() -> backend.compile(described, source))
                        .isInstanceOf(ModelFormatException.class)
                        .hasMessageContaining(source.name())
                        .hasMessageContaining("it was truncated or replaced while in use");
            }
        }
    }

    /** As long as what is read is used, so that the file does not matter once a model is loaded. */
    @Test
    void isOfNoConcernAfterTheLoad() throws IOException {
        float[] expected = load(model).logits;
        LoadOptions options = LoadOptions.DEFAULT.withThreads(2).withRepackCache(directory);
        try (Backend backend = Evaluation.openBackend(options);
                GgufFile source = GgufFile.open(model);
                ForwardPass pass = Evaluation.compile(backend, source)) {
            Files.write(cacheFile(), new byte[10]);
            assertThat(Evaluation.evaluate(pass, TOKENS, KvCacheType.F32, 2)).isEqualTo(expected);
        }
    }

    /** Loads a model whose copies the process may not write as a whole. */
    public static final class Main {
        /** Model and directory. */
        public static void main(String[] args) throws IOException {
            Loaded loaded =
                    load(Path.of(args[0]), LoadOptions.DEFAULT.withThreads(2).withRepackCache(Path.of(args[1])));
            System.out.println("loaded " + loaded.logits.length + " " + loaded.messages);
        }
    }

    /** The limit on files of a process fails a write in the middle, as a disk does that becomes full. */
    @Test
    @EnabledOnOs({OS.LINUX, OS.MAC})
    void aDiskThatBecomesFullIsAWarningAndLeavesNothing() throws Exception {
        List<String> command = List.of(
                "bash",
                "-c",
                "ulimit -f 100 && exec \"$0\" \"$@\"",
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:-UsePerfData",
                "--add-modules",
                "jdk.incubator.vector",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                Stream.concat(
                                Stream.of(
                                                LanguageModel.class,
                                                GgufFile.class,
                                                TinyModels.class,
                                                Main.class,
                                                Assertions.class)
                                        .map(RepackCacheTest::location),
                                Stream.of(System.getProperty("java.class.path")))
                        .collect(Collectors.joining(File.pathSeparator)),
                Main.class.getName(),
                model.toString(),
                directory.toString());
        Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(output)
                .contains("loaded ", directory.toString(), "the rearranged weights could not be kept, the next load")
                .doesNotContain("Exception");
        assertThat(process.exitValue()).isZero();
        assertThat(directory).isEmptyDirectory();
    }

    private static String location(Class<?> type) {
        return Path.of(java.net.URI.create(
                        type.getProtectionDomain().getCodeSource().getLocation().toString()))
                .toString();
    }
}
