package dev.nibble;

import dev.nibble.memory.MemoryFailure;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Architectures;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.BackendProvider.Availability;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.ModelFormat;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.ServiceLoader;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Finds the format and the backend, and puts a model together. */
final class ModelLoader {
    private static final System.Logger LOG = System.getLogger("dev.nibble");

    private ModelLoader() {}

    /** An open file, what it holds, and what runs it. */
    record Loaded(ModelSource source, Model model, Tokenizer tokenizer, Backend backend, ForwardPass pass) {}

    /**
     * Puts a model together; what is open is closed if a step fails.
     *
     * @param purpose prepares the model that was read for its use, or refuses it
     * @param assemble makes the result, which owns what is open
     */
    static <M> M load(
            Path file, LoadOptions options, BiFunction<ModelSource, Model, Model> purpose, Function<Loaded, M> assemble)
            throws IOException {
        List<BackendProvider> providers = backends(options.backend(), services(BackendProvider.class));
        // What is open, to be closed in reverse if a later step fails.
        List<AutoCloseable> open = new ArrayList<>();
        try {
            ModelSource source = open(file);
            open.add(source);
            // A quarter of a small model's load, which needs nothing of the rest.
            BackgroundTask<Tokenizer> tokenizing = BackgroundTask.start(() -> Tokenizers.from(source.metadata()));
            open.add(tokenizing);
            Model model = purpose.apply(source, Architectures.read(source, options.contextLength()));
            Compiled compiled = compile(providers, model, source, options);
            open.add(compiled.backend());
            Tokenizer tokenizer = tokenizing.result();
            int tokens = tokenizer.vocabulary().size();
            if (tokens > model.config().vocabSize()) {
                throw new ModelFormatException(
                        source.name() + ": the tokenizer has " + tokens + " tokens, but the token embedding has only "
                                + model.config().vocabSize() + " rows");
            }
            LOG.log(
                    System.Logger.Level.INFO,
                    "{0}: {1}",
                    source.name(),
                    compiled.backend().description());
            return assemble.apply(new Loaded(source, model, tokenizer, compiled.backend(), compiled.pass()));
        } catch (OutOfMemoryError e) {
            closeAfter(e, open);
            throw MemoryFailure.ofLoading(e, file);
        } catch (Throwable e) {
            closeAfter(e, open);
            throw e;
        }
    }

    /** The memory a model would need, without loading it: that of the first backend, as far as it can tell. */
    static MemoryPlan plan(Path file, LoadOptions options, int contextLength, SystemMemory memory) throws IOException {
        List<BackendProvider> providers = backends(options.backend(), services(BackendProvider.class));
        try (ModelSource source = open(file)) {
            Model model = Architectures.read(source, options.contextLength());
            try (Backend backend = providers.getFirst().open(options);
                    ForwardPass pass = backend.sketch(model)) {
                int length = contextLength > 0 ? contextLength : model.config().contextLength();
                return plan(source, pass, length, options.kvCacheType(), memory);
            }
        }
    }

    /** The memory a model needs with a session. */
    static MemoryPlan plan(
            ModelSource source, ForwardPass pass, int contextLength, KvCacheType type, SystemMemory memory) {
        long weights = source.tensors().stream()
                .mapToLong(tensor -> tensor.data().byteSize())
                .sum();
        return new MemoryPlan(
                weights - pass.releasedBytes(),
                pass.workspaceBytes(),
                pass.mappedBytes(),
                contextLength,
                pass.sequenceBytes(contextLength, type),
                memory.runtimeBytes().orElseGet(Runtime.getRuntime()::totalMemory) + memory.runtimeGrowth(),
                memory.available());
    }

    /** An open backend and a model compiled for it. */
    record Compiled(Backend backend, ForwardPass pass) {}

    /** Compiles with the first of the providers that can run the model; the last one's failure is the result. */
    static Compiled compile(List<BackendProvider> providers, Model model, ModelSource source, LoadOptions options) {
        for (BackendProvider provider : providers.subList(0, providers.size() - 1)) {
            try {
                return compile(provider, model, source, options);
            } catch (NibbleException | IllegalStateException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the backend {0} is passed over: {1}",
                        provider.name(),
                        e.getMessage());
            }
        }
        return compile(providers.getLast(), model, source, options);
    }

    private static Compiled compile(BackendProvider provider, Model model, ModelSource source, LoadOptions options) {
        Backend backend = provider.open(options);
        try {
            return new Compiled(backend, backend.compile(model, source));
        } catch (Throwable e) {
            backend.close();
            throw e;
        }
    }

    /** The model if it generates text. */
    static Model generating(ModelSource source, Model model) {
        if (model.output() == null || !model.isCausal()) {
            throw new UnsupportedModelException(source.name() + ": this is an embedding model ("
                    + model.config().architecture()
                    + "), which does not generate text; load it with EmbeddingModel");
        }
        return model;
    }

    /** Closes what is open, the last first. */
    private static void closeAfter(Throwable failure, List<AutoCloseable> open) {
        for (AutoCloseable resource : open.reversed()) {
            try {
                resource.close();
            } catch (Exception e) {
                failure.addSuppressed(e);
            }
        }
    }

    static ModelSource open(Path file) throws IOException {
        return open(file, services(ModelFormat.class));
    }

    static ModelSource open(Path file, List<ModelFormat> formats) throws IOException {
        if (formats.isEmpty()) {
            throw new IllegalStateException(
                    "no model format is installed: add the dependency dev.nibble:nibble-engine-gguf");
        }
        if (!Files.exists(file)) {
            throw new NoSuchFileException(file.toString(), null, "there is no such file");
        }
        if (Files.isDirectory(file)) {
            throw new IOException(file + " is a directory, not a model file");
        }
        for (ModelFormat format : formats) {
            if (format.recognizes(file)) {
                return format.open(file);
            }
        }
        // No format takes it: the first one says what the file seems to be instead.
        return formats.getFirst().open(file);
    }

    /** The provider the option names, or all that can run, the best first. */
    static List<BackendProvider> backends(String name, List<BackendProvider> providers) {
        if (providers.isEmpty()) {
            throw new IllegalStateException("no backend is installed; the library's own is missing from its module");
        }
        if (!name.equals("auto")) {
            return List.of(named(name, providers));
        }
        List<BackendProvider> sorted = new ArrayList<>(providers);
        sorted.sort(Comparator.comparingInt(BackendProvider::priority).reversed());
        List<BackendProvider> able = new ArrayList<>();
        StringBuilder reasons = new StringBuilder();
        for (BackendProvider provider : sorted) {
            switch (provider.probe()) {
                case Availability.Available available -> able.add(provider);
                case Availability.Unavailable unavailable -> {
                    LOG.log(
                            System.Logger.Level.INFO,
                            "the backend {0} is passed over: {1}",
                            provider.name(),
                            unavailable.reason());
                    reasons.append("; ").append(provider.name()).append(": ").append(unavailable.reason());
                }
            }
        }
        if (able.isEmpty()) {
            throw new IllegalStateException("no backend can run here" + reasons);
        }
        return able;
    }

    private static BackendProvider named(String name, List<BackendProvider> providers) {
        for (BackendProvider provider : providers) {
            if (provider.name().equals(name)) {
                if (provider.probe() instanceof Availability.Unavailable unavailable) {
                    throw new IllegalStateException(
                            "the backend " + name + " cannot run here: " + unavailable.reason());
                }
                return provider;
            }
        }
        String names = providers.stream().map(BackendProvider::name).sorted().collect(Collectors.joining(", "));
        throw new IllegalArgumentException("there is no backend '" + name + "'; there are auto, " + names);
    }

    private static <S> List<S> services(Class<S> service) {
        return ServiceLoader.load(service).stream()
                .map(ServiceLoader.Provider::get)
                .toList();
    }
}
