package dev.nibble.cpu.state;

import dev.nibble.KvCacheType;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Model;
import dev.nibble.spi.Sequence;
import java.lang.foreign.Arena;
import java.util.Arrays;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The state of one sequence on the CPU: a KV cache for each attention layer, a recurrent state for the other layers. */
public final class CpuSequence implements Sequence {
    private final Object owner;
    private final int capacity;
    private final Arena arena = Arena.ofShared();
    private final Model model;
    private final @Nullable KvCache[] caches;
    private final @Nullable RecurrentState[] states;
    private final boolean recurrent;
    private float @Nullable [] adapters; // [adapters], null for none
    private int length;
    private boolean closed;

    public CpuSequence(Object owner, Model model, int capacity, KvCacheType type, int maxBatchRows, VectorOps ops) {
        this.owner = owner;
        this.model = model;
        this.capacity = capacity;
        adapters = inUse(model.adapterScales());
        int layers = model.blocks().size();
        caches = new KvCache[layers];
        states = new RecurrentState[layers];
        for (int layer = 0; layer < layers; layer++) {
            create(LayerState.of(model, layer), layer, type, maxBatchRows, ops);
        }
        recurrent = Arrays.stream(states).anyMatch(Objects::nonNull);
    }

    private void create(LayerState state, int layer, KvCacheType type, int maxBatchRows, VectorOps ops) {
        switch (state) {
            case LayerState.Cache cache ->
                caches[layer] = new KvCache(
                        cache.kvHeadCount(),
                        cache.keyDim(),
                        cache.valueDim(),
                        type,
                        capacity,
                        cache.window(),
                        maxBatchRows,
                        ops,
                        arena);
            case LayerState.SharedCache shared -> caches[layer] = caches[shared.layer()];
            case LayerState.Recurrent sizes -> states[layer] = new RecurrentState(sizes.convolution(), sizes.state());
            case LayerState.Both both -> {
                create(both.cache(), layer, type, maxBatchRows, ops);
                create(both.recurrent(), layer, type, maxBatchRows, ops);
            }
            case LayerState.None none -> {}
        }
    }

    /** Bytes a sequence takes when its context is full. */
    public static long bytes(Model model, int capacity, KvCacheType type, int maxBatchRows) {
        long bytes = 0;
        for (int layer = 0; layer < model.blocks().size(); layer++) {
            bytes += bytes(LayerState.of(model, layer), capacity, type, maxBatchRows);
        }
        return bytes;
    }

    private static long bytes(LayerState state, int capacity, KvCacheType type, int maxBatchRows) {
        return switch (state) {
            case LayerState.Cache cache ->
                KvCache.bytes(
                        cache.kvHeadCount(),
                        cache.keyDim(),
                        cache.valueDim(),
                        type,
                        capacity,
                        cache.window(),
                        maxBatchRows);
            case LayerState.SharedCache shared -> 0;
            case LayerState.Recurrent sizes -> RecurrentState.bytes(sizes.convolution(), sizes.state());
            case LayerState.Both both ->
                bytes(both.cache(), capacity, type, maxBatchRows)
                        + bytes(both.recurrent(), capacity, type, maxBatchRows);
            case LayerState.None none -> 0;
        };
    }

    public boolean isOwnedBy(Object pass) {
        return owner == pass;
    }

    /** The scale of each adapter of the model, or null where none is used. */
    float @Nullable [] adapters() {
        return adapters;
    }

    private static float @Nullable [] inUse(float[] scales) {
        for (float scale : scales) {
            if (scale != 0) {
                return scales.clone();
            }
        }
        return null;
    }

    @Override
    public void useAdapters(float[] scales) {
        checkOpen();
        if (scales.length != model.adapters().size()) {
            throw new IllegalArgumentException(
                    scales.length + " scales for " + model.adapters().size() + " adapters");
        }
        if (length > 0) {
            throw new IllegalStateException("the sequence holds tokens that were evaluated with other adapters");
        }
        adapters = inUse(scales);
    }

    public KvCache cache(int layer) {
        KvCache cache = caches[layer];
        if (cache == null) {
            throw new IllegalStateException("layer " + layer + " has no KV cache");
        }
        return cache;
    }

    public RecurrentState state(int layer) {
        RecurrentState state = states[layer];
        if (state == null) {
            throw new IllegalStateException("layer " + layer + " has no recurrent state");
        }
        return state;
    }

    /** Makes room for {@code rows} more positions. */
    public void reserve(int rows) {
        checkOpen();
        for (KvCache cache : caches) {
            if (cache != null) {
                cache.reserve(length + rows);
            }
        }
    }

    /**
     * Keeps the next {@code rows} positions, which a batch evaluated. Without it they were given up, and the sequence is as it was
     * before: in the KV cache they lie behind its end, and are written again.
     */
    public void commit(int rows) {
        for (RecurrentState state : states) {
            if (state != null) {
                state.commit();
            }
        }
        length += rows;
    }

    /** Whether a layer's keys or values are too large for the type of the cache. */
    public boolean hasOverflowed() {
        for (KvCache cache : caches) {
            if (cache != null && cache.hasOverflowed()) {
                return true;
            }
        }
        return false;
    }

    void checkOpen() {
        if (closed) {
            throw new IllegalStateException("the sequence is closed");
        }
    }

    @Override
    public int capacity() {
        return capacity;
    }

    @Override
    public int length() {
        return length;
    }

    @Override
    public boolean truncate(int newLength) {
        checkOpen();
        if (newLength < 0 || newLength > length) {
            throw new IllegalArgumentException("cannot truncate " + length + " tokens to " + newLength);
        }
        if (newLength == length) {
            return true;
        }
        if (newLength == 0) {
            for (RecurrentState state : states) {
                if (state != null) {
                    state.clear();
                }
            }
            length = 0;
            return true;
        }
        if (recurrent) {
            return false;
        }
        for (int layer = 0; layer < caches.length; layer++) {
            KvCache cache = caches[layer];
            if (cache != null && !cache.holds(Math.max(0, newLength - window(layer)), length)) {
                return false;
            }
        }
        length = newLength;
        return true;
    }

    /** Positions a layer's queries see, 0 for all. */
    private int window(int layer) {
        return model.blocks().get(layer).mixer() instanceof AttentionConfig attention ? attention.window() : 0;
    }

    @Override
    public void close() {
        if (!closed) {
            closed = true;
            arena.close();
        }
    }
}
