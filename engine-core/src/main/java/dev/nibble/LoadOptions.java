package dev.nibble;

import dev.nibble.OptionValues.Option;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/** How a model is loaded. Immutable; start from {@link #DEFAULT} and set what differs. */
public final class LoadOptions {
    private static final Option<Optional<String>> BACKEND = new Option<>("backend", Optional.empty());
    private static final Option<Optional<Engine>> ENGINE = new Option<>("engine", Optional.empty());
    private static final Option<OptionalInt> THREADS = new Option<>("threads", OptionalInt.empty());
    private static final Option<OptionalInt> CONTEXT_LENGTH = new Option<>("contextLength", OptionalInt.empty());
    private static final Option<KvCacheTypes> KV_CACHE_TYPE =
            new Option<>("kvCacheType", KvCacheTypes.of(KvCacheType.F16));
    private static final Option<ActivationType> ACTIVATIONS = new Option<>("activations", ActivationType.Q8);
    private static final Option<Boolean> REPACK = new Option<>("repack", true);
    private static final Option<Boolean> REPRODUCIBLE = new Option<>("reproducible", false);
    private static final Option<OptionalInt> GPU_LAYERS = new Option<>("gpuLayers", OptionalInt.empty());
    private static final Option<Optional<Path>> REPACK_CACHE = new Option<>("repackCache", Optional.empty());

    private static final Option<OptionalLong> KV_CACHE_BUDGET = new Option<>("kvCacheBudget", OptionalLong.empty());
    private static final Option<Duration> KV_BUDGET_WAIT = new Option<>("kvBudgetWait", Duration.ZERO);
    private static final Option<Boolean> PREFIX_CACHE = new Option<>("prefixCache", true);
    private static final Option<List<AdapterFile>> ADAPTERS = new Option<>("adapters", List.of());

    /** The best backend, the engine that models share, with a thread for each physical core, the model's context, an F16 KV cache. */
    public static final LoadOptions DEFAULT = new LoadOptions(OptionValues.NONE);

    /** The exact path: F32 KV cache, F32 activations, for comparison with a reference. */
    public static final LoadOptions EXACT =
            DEFAULT.withKvCacheType(KvCacheType.F32).withActivations(ActivationType.F32);

    private final OptionValues values;

    private LoadOptions(OptionValues values) {
        this.values = values;
    }

    /** The options set here, then those set in {@code defaults}, then the library's defaults. */
    public LoadOptions orElse(LoadOptions defaults) {
        return new LoadOptions(values.orElse(Objects.requireNonNull(defaults, "defaults").values));
    }

    /** The name of the backend; empty for the best that can run the model here. */
    public Optional<String> backend() {
        return values.get(BACKEND);
    }

    /** {@code cpu} or the name of another backend; one that cannot run is an error then. */
    public LoadOptions withBackend(String value) {
        return with(BACKEND, Optional.of(Objects.requireNonNull(value, BACKEND.name())));
    }

    /** What the model shares with others; empty for what all models share that are loaded without. */
    public Optional<Engine> engine() {
        return values.get(ENGINE);
    }

    /** Loads the model to run on the threads of an engine, and within its memory budget. */
    public LoadOptions withEngine(Engine value) {
        return with(ENGINE, Optional.of(Objects.requireNonNull(value, ENGINE.name())));
    }

    /** Threads that the model uses, the caller included; empty for all of its engine. */
    public OptionalInt threads() {
        return values.get(THREADS);
    }

    /**
     * 1 or more. An engine's threads are not more for that: the model uses so many of them, and more than there are is an
     * error at the load. What models share that are loaded without an engine has as many threads as the most that one
     * of them asked for.
     */
    public LoadOptions withThreads(int value) {
        return new LoadOptions(values.withAtLeast(THREADS, value, 1));
    }

    /** Context of sessions that do not ask for another, in tokens; empty for the model's own. */
    public OptionalInt contextLength() {
        return values.get(CONTEXT_LENGTH);
    }

    /** 1 token or more. */
    public LoadOptions withContextLength(int value) {
        return new LoadOptions(values.withAtLeast(CONTEXT_LENGTH, value, 1));
    }

    /** The model's own context for sessions that do not ask for another. */
    public LoadOptions withoutContextLength() {
        return with(CONTEXT_LENGTH, OptionalInt.empty());
    }

    /** KV cache of sessions that do not ask for another: the type of keys, and of values unless {@link #kvCacheTypes()} says otherwise. */
    public KvCacheType kvCacheType() {
        return kvCacheTypes().keys();
    }

    /** KV cache of sessions that do not ask for another. */
    public KvCacheTypes kvCacheTypes() {
        return values.get(KV_CACHE_TYPE);
    }

    /** The type in which keys and values are kept. */
    public LoadOptions withKvCacheType(KvCacheType value) {
        return withKvCacheTypes(KvCacheTypes.of(Objects.requireNonNull(value, KV_CACHE_TYPE.name())));
    }

    /** The type in which keys are kept, and that of values. */
    public LoadOptions withKvCacheTypes(KvCacheType keys, KvCacheType values) {
        return withKvCacheTypes(new KvCacheTypes(keys, values));
    }

    /** The types in which keys and values are kept. */
    public LoadOptions withKvCacheTypes(KvCacheTypes value) {
        return with(KV_CACHE_TYPE, Objects.requireNonNull(value, KV_CACHE_TYPE.name()));
    }

    /** Bytes that the KV caches of all sessions of the model may take together; empty for what there is. */
    public OptionalLong kvCacheBudget() {
        return values.get(KV_CACHE_BUDGET);
    }

    /**
     * Limits the KV caches of the model's sessions together, those kept for later sessions included. These are dropped first, the ones
     * used longest ago before others; where that is not enough, a session that would grow fails with a {@link KvBudgetException} and
     * stays as it is. Memory that sessions share counts once.
     *
     * <p>Without it the engine's budget and the machine are the limits, and no more is kept for later sessions than {@link
     * LanguageModel#memoryPlan()} announces for one session, or 64 MB if that is more, or half of what the machine can give if that is
     * less.
     *
     * @param bytes 0 or more
     */
    public LoadOptions withKvCacheBudget(long bytes) {
        if (bytes < 0) {
            throw new IllegalArgumentException("kvCacheBudget must be 0 or more, not " + bytes);
        }
        return with(KV_CACHE_BUDGET, OptionalLong.of(bytes));
    }

    /** How long a session waits for memory that others hold. */
    public Duration kvBudgetWait() {
        return values.get(KV_BUDGET_WAIT);
    }

    /**
     * Has a session that would grow beyond the budget of its model or engine wait until others give memory back, as they do when they
     * are closed, reset or truncated. It fails with a {@link KvBudgetException} when the time is over, or at once if all sessions
     * that share the budget wait: then the one that was opened last. While it waits, it can be cancelled and interrupted as while
     * it is evaluated, and what it holds stays. Of no effect on backends with memory of their own.
     *
     * @param value zero, the default, to fail at once
     */
    public LoadOptions withKvBudgetWait(Duration value) {
        if (Objects.requireNonNull(value, KV_BUDGET_WAIT.name()).isNegative()) {
            throw new IllegalArgumentException("kvBudgetWait must be zero or more, not " + value);
        }
        return with(KV_BUDGET_WAIT, value);
    }

    /** Whether sessions that begin with the same tokens share what was evaluated of them. */
    public boolean prefixCache() {
        return values.get(PREFIX_CACHE);
    }

    /**
     * False to evaluate each session by itself and keep nothing of it when it is closed; {@link SessionOptions#withPrivate} does so for
     * one session.
     */
    public LoadOptions withPrefixCache(boolean value) {
        return with(PREFIX_CACHE, value);
    }

    /** What matrix inputs are rounded to where the weights are quantized. */
    public ActivationType activations() {
        return values.get(ACTIVATIONS);
    }

    /** {@link ActivationType#F32} for exact inputs. */
    public LoadOptions withActivations(ActivationType value) {
        return with(ACTIVATIONS, Objects.requireNonNull(value, ACTIVATIONS.name()));
    }

    /** Whether kernels may keep a rearranged copy of weights where that is faster; the memory plan counts it. */
    public boolean repack() {
        return values.get(REPACK);
    }

    /** False forbids rearranged copies. */
    public LoadOptions withRepack(boolean value) {
        return with(REPACK, value);
    }

    /** Whether only kernels are used whose results do not depend on what is evaluated together. */
    public boolean reproducible() {
        return values.get(REPRODUCIBLE);
    }

    /**
     * True forbids kernels of the CPU backend that are faster with many rows, as prompts have, and round them otherwise than few:
     * at present those for AMX, which are off unless the system property {@code nibble.amx} is {@code on}. What is left gives the
     * same bits however a text is cut into batches where the {@linkplain LanguageModel#kernels() kernels} are machine code.
     */
    public LoadOptions withReproducible(boolean value) {
        return with(REPRODUCIBLE, value);
    }

    /** Layers a GPU backend keeps on the device; empty for as many as fit. */
    public OptionalInt gpuLayers() {
        return values.get(GPU_LAYERS);
    }

    /** 0 or more layers. */
    public LoadOptions withGpuLayers(int value) {
        return new LoadOptions(values.withAtLeast(GPU_LAYERS, value, 0));
    }

    /** A directory in which the CPU backend keeps the rearranged weights in a file for later loads. */
    public Optional<Path> repackCache() {
        return values.get(REPACK_CACHE);
    }

    /** A directory in which only its user should be able to write. */
    public LoadOptions withRepackCache(Path value) {
        return with(REPACK_CACHE, Optional.of(Objects.requireNonNull(value, REPACK_CACHE.name())));
    }

    /** Keeps no rearranged weights in a file. */
    public LoadOptions withoutRepackCache() {
        return with(REPACK_CACHE, Optional.empty());
    }

    /** The adapters that are loaded beside the model. */
    public List<AdapterFile> adapters() {
        return values.get(ADAPTERS);
    }

    /**
     * Loads an adapter (LoRA) beside the model, as it was trained; one more with each call. It counts in every session that
     * does not choose its own with {@link SessionOptions#withAdapter}, by the name of the file without {@code .gguf}.
     *
     * @throws IllegalArgumentException if an adapter has this name already
     */
    public LoadOptions withAdapter(Path file) {
        return withAdapter(AdapterFile.of(file));
    }

    /** Likewise with what it adds multiplied by {@code scale}; with 0 it counts only in sessions that choose it. */
    public LoadOptions withAdapter(Path file, float scale) {
        return withAdapter(AdapterFile.of(file).withScale(scale));
    }

    /** Likewise with a name of its own. */
    public LoadOptions withAdapter(AdapterFile adapter) {
        Objects.requireNonNull(adapter, "adapter");
        List<AdapterFile> all = new ArrayList<>(adapters());
        if (all.stream().anyMatch(other -> other.name().equals(adapter.name()))) {
            throw new IllegalArgumentException("there is an adapter '" + adapter.name()
                    + "' already; give one of them another name with AdapterFile");
        }
        all.add(adapter);
        return with(ADAPTERS, List.copyOf(all));
    }

    private <T> LoadOptions with(Option<T> option, T value) {
        return new LoadOptions(values.with(option, value));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LoadOptions options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** The options that were set. */
    @Override
    public String toString() {
        return values.describe(LoadOptions.class);
    }
}
