package dev.nibble;

import dev.nibble.jfr.Events;
import dev.nibble.memory.MemoryFailure;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Adapter;
import dev.nibble.model.AdapterReader;
import dev.nibble.model.Architectures;
import dev.nibble.model.MappedMemory;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.model.arch.Diffusion;
import dev.nibble.model.arch.RankHeads;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.BackendProvider.Availability;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.ModelFormat;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Finds the format and the backend, and puts a model together. */
final class ModelLoader {
    private static final System.Logger LOG = System.getLogger("dev.nibble");

    private ModelLoader() {}

    /**
     * Puts a model together; what is open is closed if a step fails.
     *
     * @param purpose prepares the model that was read for its use, or refuses it
     * @param assemble makes the result, which owns what is open
     * @throws InterruptedIOException if the thread is interrupted; it stays so
     */
    static <M> M load(
            Path file, LoadOptions options, BiFunction<ModelSource, Model, Model> purpose, Function<Loaded, M> assemble)
            throws IOException {
        Objects.requireNonNull(file, "file");
        Objects.requireNonNull(options, "options");
        List<BackendProvider> providers = backends(options.backend(), Services.of(BackendProvider.class));
        return load(file, options, Services.of(ModelFormat.class), providers, purpose, assemble);
    }

    /** As above, with the given formats, and the first of the backends that can run the model. */
    static <M> M load(
            Path file,
            LoadOptions options,
            List<ModelFormat> formats,
            List<BackendProvider> providers,
            BiFunction<ModelSource, Model, Model> purpose,
            Function<Loaded, M> assemble)
            throws IOException {
        options.engine().ifPresent(Engine::requireOpen);
        OpenParts open = new OpenParts();
        try {
            Object event = Events.beginLoad();
            Loaded loaded = open(file, options, formats, providers, purpose, open);
            M model = assemble.apply(loaded);
            Events.endLoad(
                    event,
                    file.toString(),
                    loaded.model().config().architecture(),
                    loaded.backend().description(),
                    loaded.source().tensors().stream()
                            .mapToLong(tensor -> tensor.data().byteSize())
                            .sum());
            return model;
        } catch (OutOfMemoryError e) {
            open.closeAfter(e);
            throw MemoryFailure.ofLoading(e, file);
        } catch (InternalError e) {
            open.closeAfter(e);
            throw MappedMemory.translate(file.toString(), e);
        } catch (CancellationException e) {
            open.closeAfter(e);
            throw interrupted(file, e);
        } catch (Throwable e) {
            open.closeAfter(e);
            throw e;
        }
    }

    /** Opens one part after the other. */
    private static Loaded open(
            Path file,
            LoadOptions options,
            List<ModelFormat> formats,
            List<BackendProvider> providers,
            BiFunction<ModelSource, Model, Model> purpose,
            OpenParts open)
            throws IOException {
        ModelSource source = open.add(open(file, formats));
        // A quarter of a small model's load, which needs nothing of the rest.
        BackgroundTask<Tokenizer> tokenizing = open.add(BackgroundTask.start(() -> Tokenizers.from(source.metadata())));
        Model model = purpose.apply(
                        source,
                        Architectures.read(source, options.contextLength().orElse(0)))
                .withAdapters(adapters(source, options, formats, open));
        checkInterrupt(file);
        Compiled compiled = compile(providers, model, source, options, open);
        Tokenizer tokenizer = tokenizing.result();
        open.remove(tokenizing);
        checkInterrupt(file);
        int tokens = tokenizer.vocabulary().size();
        if (tokens > model.config().vocabSize()) {
            throw new ModelFormatException(
                    source.name() + ": the tokenizer has " + tokens + " tokens, but the token embedding has only "
                            + model.config().vocabSize() + " rows");
        }
        LOG.log(
                System.Logger.Level.DEBUG,
                "{0}: {1}",
                source.name(),
                compiled.backend().description());
        return new Loaded(source, model, tokenizer, compiled.backend(), compiled.pass(), open);
    }

    /** Opens the adapters in the options and reads them, each for the model in {@code source}. */
    private static List<Adapter> adapters(
            ModelSource source, LoadOptions options, List<ModelFormat> formats, OpenParts open) throws IOException {
        List<Adapter> adapters = new ArrayList<>();
        for (AdapterFile adapter : options.adapters()) {
            ModelSource file = open.add(open(adapter.file(), formats));
            adapters.add(AdapterReader.read(file, adapter.name(), adapter.scale(), source));
        }
        return adapters;
    }

    private static void checkInterrupt(Path file) throws InterruptedIOException {
        if (Thread.currentThread().isInterrupted()) {
            throw interrupted(file, null);
        }
    }

    private static InterruptedIOException interrupted(Path file, @Nullable Exception cause) {
        InterruptedIOException interrupted =
                new InterruptedIOException(file + ": loading was given up, as the thread was interrupted");
        if (cause != null) {
            interrupted.initCause(cause);
        }
        return interrupted;
    }

    /** The memory a model would need, without loading it: that of the first backend, as far as it can tell. */
    static MemoryPlan plan(Path file, LoadOptions options, SystemMemory memory) throws IOException {
        List<BackendProvider> providers = backends(options.backend(), Services.of(BackendProvider.class));
        try (OpenParts open = new OpenParts()) {
            ModelSource source = open.add(open(file));
            Model model = Architectures.read(source, options.contextLength().orElse(0))
                    .withAdapters(adapters(source, options, Services.of(ModelFormat.class), open));
            try (Backend backend = providers.getFirst().open(options);
                    ForwardPass pass = backend.sketch(model)) {
                int length = options.contextLength().orElse(model.config().contextLength());
                return plan(source, model, pass, length, options.kvCacheTypes(), memory);
            }
        }
    }

    /** The memory a model needs with a session. */
    static MemoryPlan plan(
            ModelSource source,
            Model model,
            ForwardPass pass,
            int contextLength,
            KvCacheTypes types,
            SystemMemory memory) {
        long weights = source.tensors().stream()
                        .mapToLong(tensor -> tensor.data().byteSize())
                        .sum()
                + model.adapters().stream().mapToLong(Adapter::byteSize).sum();
        return new MemoryPlan(
                weights - pass.releasedBytes(),
                pass.workspaceBytes(),
                contextLength,
                pass.sequenceBytes(contextLength, types),
                memory.runtimeBytes().orElseGet(Runtime.getRuntime()::totalMemory) + memory.runtimeGrowth(),
                memory.available());
    }

    /** An open backend and a model compiled for it. */
    record Compiled(Backend backend, ForwardPass pass) {}

    /**
     * Compiles with the first of the providers that can run the model; the last one's failure is the result.
     *
     * @param open takes over backend and compiled model
     */
    static Compiled compile(
            List<BackendProvider> providers, Model model, ModelSource source, LoadOptions options, OpenParts open) {
        for (BackendProvider provider : providers.subList(0, providers.size() - 1)) {
            try {
                return compile(provider, model, source, options, open);
            } catch (CancellationException e) { // an IllegalStateException, but no other backend is to be tried
                throw e;
            } catch (NibbleException | IllegalStateException e) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "the backend {0} is passed over: {1}",
                        provider.name(),
                        e.getMessage());
            }
        }
        return compile(providers.getLast(), model, source, options, open);
    }

    private static Compiled compile(
            BackendProvider provider, Model model, ModelSource source, LoadOptions options, OpenParts open) {
        OpenParts opened = new OpenParts();
        try {
            Backend backend = opened.add(provider.open(options));
            TakenMemory taken = TakenMemory.of(options.engine().orElseGet(Engine::shared));
            opened.add(taken);
            taken.take(plannedBytes(backend, model), source.name() + ": this model");
            ForwardPass pass = opened.add(backend.compile(model, source));
            taken.take(pass.workspaceBytes() - taken.bytes(), source.name() + ": this model");
            open.add(backend);
            open.add(taken);
            open.add(pass);
            return new Compiled(backend, pass);
        } catch (Throwable e) {
            opened.closeAfter(e);
            throw e;
        }
    }

    /** What a model will take beside its mapped weights; 0 if the backend knows it only of what it compiled. */
    static long plannedBytes(Backend backend, Model model) {
        try (ForwardPass sketch = backend.sketch(model)) {
            return sketch.workspaceBytes();
        } catch (UnsupportedOperationException e) {
            return 0;
        }
    }

    /** The model if it has scores of tokens: it generates text, or fills in what is masked in one. */
    static Model generating(ModelSource source, Model model) {
        boolean fillsIn = Diffusion.NAMES.contains(model.config().architecture());
        if (model.output() == null || !model.isCausal() && !fillsIn) {
            boolean rates = RankHeads.isPresent(source);
            throw new UnsupportedModelException(
                    source.name() + ": this is " + (rates ? "a reranker" : "an embedding model")
                            + " (" + model.config().architecture() + "), which does not generate text; load it with "
                            + (rates ? "RerankModel" : "EmbeddingModel"));
        }
        return model;
    }

    static ModelSource open(Path file) throws IOException {
        return open(Objects.requireNonNull(file, "file"), Services.of(ModelFormat.class));
    }

    /** Opens the file with the format that recognizes it. */
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
        checkInterrupt(file);
        try {
            for (ModelFormat format : formats) {
                if (format.recognizes(file)) {
                    return format.open(file);
                }
            }
            // No format takes it: the first one says what the file seems to be instead.
            return formats.getFirst().open(file);
        } catch (ClosedByInterruptException e) {
            throw interrupted(file, e);
        }
    }

    /** The provider the option names, or all that can run, the best first. */
    static List<BackendProvider> backends(Optional<String> name, List<BackendProvider> providers) {
        if (providers.isEmpty()) {
            throw new IllegalStateException("no backend is installed; the library's own is missing from its module");
        }
        if (name.isPresent()) {
            return List.of(named(name.get(), providers));
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
                            System.Logger.Level.DEBUG,
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
        throw new IllegalArgumentException("there is no backend '" + name + "'; there are " + names);
    }
}
