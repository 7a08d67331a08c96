package dev.nibble.benchmarks.soak;

import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.gguf.GgufFile;
import dev.nibble.gguf.GgufWriter;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import dev.nibble.testdata.TinyModels;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** The model files of a run, the models that stay loaded, and copies of files that may be destroyed. */
final class Workplace {
    private static final int TINY_TOKENS = 24;
    private static final int MODEL_TOKENS = 12;

    /** Attention; experts with K-quants; recurrent layers; a sliding window. */
    private static final List<Tiny> TINY = List.of(
            new Tiny("llama", DType.Q4_0),
            new Tiny("qwen3moe", DType.Q4_K),
            new Tiny("lfm2", DType.Q8_0),
            new Tiny("gemma3", DType.F16));

    private record Tiny(String name, DType type) {}

    private final Path folder;
    private final @Nullable Path model;
    private final List<Subject> subjects = new ArrayList<>();
    private final List<LanguageModel> shared = new ArrayList<>();
    private final List<Path> refused = new ArrayList<>();
    private final AtomicInteger copies = new AtomicInteger();

    /** Writes the files, and asks each model everything while nothing else runs. */
    Workplace(Path folder, @Nullable Path model) throws IOException {
        this.folder = folder;
        this.model = model;
        for (Tiny tiny : TINY) {
            Path file = folder.resolve(tiny.name + ".gguf");
            TinyModels.write(tiny.name, 1, tiny.type, file);
            add(tiny.name + " " + tiny.type, file, TINY_TOKENS);
        }
        refused.add(refusedCopy(subjects.getFirst().file()));
        if (model != null) {
            add(model.getFileName().toString(), model, MODEL_TOKENS);
            refused.add(refusedCopy(model));
        }
    }

    private void add(String name, Path file, int tokens) throws IOException {
        LoadOptions options = LoadOptions.DEFAULT.withContextLength(256);
        subjects.add(Subject.of(name, file, options, tokens));
        subjects.add(Subject.of(name + ", mapped", file, options.withRepack(false), tokens));
        System.out.println("loaded " + name);
    }

    /** A copy that is refused when all weights were read: for what it says of sampling. */
    private Path refusedCopy(Path file) throws IOException {
        Path copy = folder.resolve("refused-" + file.getFileName());
        try (GgufFile source = GgufFile.open(file)) {
            GgufWriter writer = new GgufWriter().putAll(source, key -> true).putFloat32("general.sampling.temp", -1);
            for (Tensor tensor : source.tensors()) {
                writer.tensor(tensor.name(), tensor.dtype(), tensor.shape(), GgufWriter.TensorData.of(tensor.data()));
            }
            writer.write(copy);
        }
        return copy;
    }

    Path folder() {
        return folder;
    }

    /** Where files are mapped from. */
    Path[] mapped() {
        return model == null ? new Path[] {folder} : new Path[] {folder, real(model)};
    }

    private static Path real(Path file) {
        try {
            return file.toRealPath();
        } catch (IOException e) {
            return file;
        }
    }

    /** Loads the models that stay, one for each subject, in the order of the subjects. */
    void open() throws IOException {
        for (Subject subject : subjects) {
            shared.add(LanguageModel.load(subject.file(), subject.options()));
        }
    }

    void close() {
        shared.forEach(LanguageModel::close);
        shared.clear();
    }

    /** Any subject, tiny ones more often. */
    int pick(SplittableRandom random) {
        int tiny = 2 * TINY.size();
        return subjects.size() > tiny && random.nextInt(4) == 0
                ? tiny + random.nextInt(subjects.size() - tiny)
                : random.nextInt(tiny);
    }

    Subject subject(int index) {
        return subjects.get(index);
    }

    LanguageModel shared(int index) {
        return shared.get(index);
    }

    Path refused(SplittableRandom random) {
        return refused.get(random.nextInt(5) == 0 ? refused.size() - 1 : 0);
    }

    /** A copy of a model file, to be destroyed and deleted. */
    Path copy(Subject subject) throws IOException {
        Path copy = folder.resolve("copy-" + copies.incrementAndGet() + ".gguf");
        return Files.copy(subject.file(), copy);
    }
}
