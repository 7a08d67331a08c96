package dev.nibble.cli;

import dev.nibble.ActivationType;
import dev.nibble.AdapterFile;
import dev.nibble.KvCacheTypes;
import dev.nibble.LoadOptions;
import dev.nibble.cli.models.Environment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a model is loaded; what is not given stays as the command wants it. */
@HelpSection(HelpSection.Heading.PERFORMANCE)
final class ModelOptions {
    /** Beyond it a number is a mistake. */
    private static final int MOST_THREADS = 1024;

    private static final Pattern SCALE = Pattern.compile("-?\\d+(\\.\\d*)?|-?\\.\\d+");

    @Option(
            names = {"-t", "--threads"},
            paramLabel = "N",
            description = "Worker threads; 0 (default) for all physical cores, at most " + MOST_THREADS + ".")
    private int threads;

    @HelpSection(HelpSection.Heading.MEMORY)
    @Option(
            names = {"-c", "--ctx"},
            paramLabel = "N",
            description =
                    "Context in tokens: prompt and answer together; 0 for all the model was trained for (default: that, but"
                            + " no more than 8192 or memory has room for; perplexity 512).")
    private @Nullable Integer context;

    @HelpSection(HelpSection.Heading.MEMORY)
    @Option(
            names = "--kv",
            paramLabel = "TYPE[,TYPE]",
            converter = KvTypes.class,
            completionCandidates = KvTypes.class,
            description =
                    "Type of the KV cache, or that of keys and that of values: ${COMPLETION-CANDIDATES} (default: f16,"
                            + " where exactness counts f32).")
    private @Nullable KvCacheTypes kv;

    @Option(
            names = "--activations",
            paramLabel = "TYPE",
            description = "What inputs of quantized weights are rounded to: ${COMPLETION-CANDIDATES}.")
    private @Nullable ActivationType activations;

    @Option(
            names = "--backend",
            paramLabel = "NAME",
            description = "What runs the model: auto, cpu or tornado, a GPU (default: auto; see nibble devices).")
    private @Nullable String backend;

    @HelpSection(HelpSection.Heading.MEMORY)
    @Option(
            names = "--no-repack",
            description = "Keep no rearranged copy of the weights: less memory, quicker start, slower.")
    private boolean noRepack;

    @HelpSection(HelpSection.Heading.MEMORY)
    @Option(
            names = "--repack-cache",
            paramLabel = "DIR",
            arity = "0..1",
            fallbackValue = "",
            description =
                    "Keep the rearranged weights in a file that later starts read in place of making them (default"
                            + " folder: repacked, in that of models).")
    private @Nullable String repackCache;

    @Option(
            names = {"-ngl", "--gpu-layers"},
            paramLabel = "N",
            description = "Layers on the GPU, where the backend uses one (default: as many as fit).")
    private @Nullable Integer gpuLayers;

    @HelpSection(HelpSection.Heading.MODEL)
    @Option(
            names = "--adapter",
            paramLabel = "PATH[:SCALE]",
            description = "A LoRA adapter (GGUF) to load beside the model; may be given more than once.")
    private List<String> adapters = List.of();

    /** The layers that were asked for on the GPU, or null. */
    @Nullable Integer gpuLayers() {
        return gpuLayers;
    }

    /** The threads that were asked for, 0 where it is not said. */
    int threads() {
        return threads;
    }

    /** The context that was asked for, or null. */
    @Nullable Integer context() {
        return context;
    }

    /** The types of the KV cache, if they are {@code base}'s unless others were asked for. */
    KvCacheTypes kv(LoadOptions base) {
        return kv == null ? base.kvCacheTypes() : kv;
    }

    /** {@code base} with what was given on the command line; a value out of range is bad usage. */
    LoadOptions apply(LoadOptions base) {
        if (threads < 0 || threads > MOST_THREADS) {
            throw new UsageException(
                    "--threads must be from 0 (all physical cores) to " + MOST_THREADS + ", not " + threads);
        }
        try {
            LoadOptions options = base.withRepack(base.repack() && !noRepack);
            if (threads != 0) {
                options = options.withThreads(threads);
            }
            if (context != null && context != 0) {
                options = options.withContextLength(context);
            }
            if (kv != null) {
                options = options.withKvCacheTypes(kv);
            }
            if (activations != null) {
                options = options.withActivations(activations);
            }
            if (backend != null) {
                options = options.withBackend(backend);
            }
            if (repackCache != null) {
                options = options.withRepackCache(repackCacheDirectory(repackCache));
            }
            for (String adapter : adapters) {
                options = options.withAdapter(adapter(adapter));
            }
            return gpuLayers == null ? options : options.withGpuLayers(gpuLayers);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()), e);
        }
    }

    /** What stands behind the last colon is the scale, if it is a number. */
    private static AdapterFile adapter(String given) {
        int colon = given.lastIndexOf(':');
        Matcher scale = SCALE.matcher(given.substring(colon + 1));
        return colon > 0 && scale.matches()
                ? AdapterFile.of(Path.of(given.substring(0, colon))).withScale(Float.parseFloat(scale.group()))
                : AdapterFile.of(Path.of(given));
    }

    private static Path repackCacheDirectory(String given) {
        if (given.isEmpty()) {
            return Environment.system().cache().resolve("repacked");
        }
        Path directory = Path.of(given);
        if (Files.isRegularFile(directory)) {
            throw new UsageException("--repack-cache takes a folder, and " + given
                    + " is a file; if it is the model, put it before the option");
        }
        return directory;
    }
}
