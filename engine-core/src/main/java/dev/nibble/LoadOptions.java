package dev.nibble;

import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How a model is loaded. Immutable; start from {@link #DEFAULT}.
 *
 * @param backend {@code auto}, {@code cpu} or the name of another backend; a named backend that cannot run is an error
 * @param threads worker threads including the caller, 0 for all physical cores
 * @param contextLength context of sessions that do not ask for another, 0 for the model's own
 * @param kvCacheType KV cache of sessions that do not ask for another
 * @param activations what matrix inputs are rounded to where the weights are quantized
 * @param repack whether kernels may keep a rearranged copy of weights where that is faster; counted in the memory plan
 * @param gpuLayers layers a GPU backend keeps on the device, -1 for as many as fit
 * @param repackCache a directory in which the CPU backend keeps the rearranged weights in a file, to be mapped by later
 *     loads and shared by processes; only its user should be able to write there. Null for none
 */
public record LoadOptions(
        String backend,
        int threads,
        int contextLength,
        KvCacheType kvCacheType,
        ActivationType activations,
        boolean repack,
        int gpuLayers,
        @Nullable Path repackCache) {

    /** The defaults: best backend, all physical cores, the model's context, an F16 KV cache. */
    public static final LoadOptions DEFAULT =
            new LoadOptions("auto", 0, 0, KvCacheType.F16, ActivationType.Q8, true, -1, null);

    /** The exact path: F32 KV cache, F32 activations, for comparison with a reference. */
    public static final LoadOptions EXACT =
            DEFAULT.withKvCacheType(KvCacheType.F32).withActivations(ActivationType.F32);

    public LoadOptions {
        Objects.requireNonNull(backend, "backend");
        Objects.requireNonNull(kvCacheType, "kvCacheType");
        Objects.requireNonNull(activations, "activations");
        if (threads < 0) {
            throw new IllegalArgumentException("threads must be 0 (all cores) or more, not " + threads);
        }
        if (contextLength < 0) {
            throw new IllegalArgumentException(
                    "contextLength must be 0 (the model's own) or more, not " + contextLength);
        }
        if (gpuLayers < -1) {
            throw new IllegalArgumentException("gpuLayers must be -1 (as many as fit) or more, not " + gpuLayers);
        }
    }

    public LoadOptions withBackend(String value) {
        return new LoadOptions(value, threads, contextLength, kvCacheType, activations, repack, gpuLayers, repackCache);
    }

    public LoadOptions withThreads(int value) {
        return new LoadOptions(backend, value, contextLength, kvCacheType, activations, repack, gpuLayers, repackCache);
    }

    public LoadOptions withContextLength(int value) {
        return new LoadOptions(backend, threads, value, kvCacheType, activations, repack, gpuLayers, repackCache);
    }

    public LoadOptions withKvCacheType(KvCacheType value) {
        return new LoadOptions(backend, threads, contextLength, value, activations, repack, gpuLayers, repackCache);
    }

    public LoadOptions withActivations(ActivationType value) {
        return new LoadOptions(backend, threads, contextLength, kvCacheType, value, repack, gpuLayers, repackCache);
    }

    public LoadOptions withRepack(boolean value) {
        return new LoadOptions(
                backend, threads, contextLength, kvCacheType, activations, value, gpuLayers, repackCache);
    }

    public LoadOptions withGpuLayers(int value) {
        return new LoadOptions(backend, threads, contextLength, kvCacheType, activations, repack, value, repackCache);
    }

    public LoadOptions withRepackCache(@Nullable Path value) {
        return new LoadOptions(backend, threads, contextLength, kvCacheType, activations, repack, gpuLayers, value);
    }
}
