package dev.nibble.cpu.state;

import dev.nibble.KvCacheType;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.Mamba2Config;
import dev.nibble.model.Model;
import dev.nibble.model.ShortConvolutionConfig;
import dev.nibble.spi.Sequence;
import java.lang.foreign.Arena;
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
    private int length;
    private boolean closed;

    public CpuSequence(Object owner, Model model, int capacity, KvCacheType type, int maxBatchRows, VectorOps ops) {
        this.owner = owner;
        this.model = model;
        this.capacity = capacity;
        int layers = model.blocks().size();
        caches = new KvCache[layers];
        states = new RecurrentState[layers];
        boolean anyRecurrent = false;
        for (int layer = 0; layer < layers; layer++) {
            BlockConfig block = model.blocks().get(layer);
            switch (block.mixer()) {
                case AttentionConfig a -> {
                    if (a.kvLayer() == layer) {
                        caches[layer] = new KvCache(
                                a.kvHeadCount(),
                                a.headDim(),
                                a.valueDim(),
                                type,
                                capacity,
                                a.window(),
                                maxBatchRows,
                                ops,
                                arena);
                    } else {
                        caches[layer] = caches[a.kvLayer()];
                    }
                }
                // no keys: they are the values, which lie position by position
                case LatentAttentionConfig a ->
                    caches[layer] = new KvCache(1, 0, a.cacheDim(), type, capacity, 0, maxBatchRows, ops, arena);
                case ShortConvolutionConfig c ->
                    states[layer] =
                            new RecurrentState((c.kernelSize() - 1) * c.output().inputSize(), 0);
                case DeltaNetConfig d ->
                    states[layer] = new RecurrentState(
                            (d.kernelSize() - 1) * d.channels(), d.valueHeadCount() * d.stateSize() * d.stateSize());
                case Mamba2Config s ->
                    states[layer] =
                            new RecurrentState((s.kernelSize() - 1) * s.channels(), s.innerSize() * s.stateSize());
            }
            anyRecurrent |= states[layer] != null;
        }
        recurrent = anyRecurrent;
    }

    /** Bytes a sequence takes when its context is full. */
    public static long bytes(Model model, int capacity, KvCacheType type, int maxBatchRows) {
        long bytes = 0;
        for (int layer = 0; layer < model.blocks().size(); layer++) {
            bytes += switch (model.blocks().get(layer).mixer()) {
                case AttentionConfig a ->
                    a.kvLayer() == layer
                            ? KvCache.bytes(
                                    a.kvHeadCount(),
                                    a.headDim(),
                                    a.valueDim(),
                                    type,
                                    capacity,
                                    a.window(),
                                    maxBatchRows)
                            : 0;
                case LatentAttentionConfig a -> KvCache.bytes(1, 0, a.cacheDim(), type, capacity, 0, maxBatchRows);
                case ShortConvolutionConfig c ->
                    8L * (c.kernelSize() - 1) * c.output().inputSize();
                case DeltaNetConfig d ->
                    8L
                            * ((d.kernelSize() - 1L) * d.channels()
                                    + (long) d.valueHeadCount() * d.stateSize() * d.stateSize());
                case Mamba2Config s ->
                    8L * ((s.kernelSize() - 1L) * s.channels() + (long) s.innerSize() * s.stateSize());
            };
        }
        return bytes;
    }

    public boolean isOwnedBy(Object pass) {
        return owner == pass;
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
