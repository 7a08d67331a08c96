package dev.nibble.cpu.state;

import dev.nibble.KvCacheTypes;
import dev.nibble.OutOfMemoryException;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.model.Model;
import dev.nibble.spi.Sequence;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The state of one sequence on the CPU: pages of keys and values for layers with attention, which sequences share, and a recurrent
 * state for each of the other layers, which is copied; of a decoder, also what it reads of its source.
 */
public final class CpuSequence implements Sequence {
    private final KvPool pool;
    private final int capacity;
    private final KvCacheTypes types;
    private final KvLayout layout;
    private final KvTable[] tables;
    private final KvCache[][] caches; // of each layer, often one
    private final @Nullable RecurrentState[] states;
    /** Null unless the model has an encoder. */
    private final @Nullable SourceCache source;
    /** Bytes of the recurrent states in use, and of those only kept. */
    private final long stateBytes;

    private final long keptStateBytes;
    /** Of these, what was taken from the pool. */
    private long takenStateBytes;

    private final int adapterCount;
    private float @Nullable [] adapters; // [adapters], null for none
    private int length;
    private boolean erases;
    private boolean closed;
    private final int hiddenSize;
    private boolean keepsNormed;
    private @Nullable KeptRows keptStates;

    /**
     * An empty sequence.
     *
     * @param pool of the forward pass that evaluates it
     */
    public CpuSequence(KvPool pool, Model model, int capacity, KvCacheTypes types, int maxBatchRows, VectorOps ops) {
        this.pool = pool;
        this.capacity = capacity;
        hiddenSize = model.config().hiddenSize();
        adapters = inUse(model.adapterScales());
        adapterCount = model.adapters().size();
        this.types = types;
        layout = KvLayout.of(model, types, maxBatchRows);
        List<KvTable> groups = new ArrayList<>();
        layout.groups().forEach(group -> groups.add(new KvTable(pool, this, group)));
        tables = groups.toArray(KvTable[]::new);
        source = model.encoder() == null ? null : new SourceCache(pool, this, model, types, ops);
        int layers = model.blocks().size();
        caches = new KvCache[layers][];
        states = new RecurrentState[layers];
        long bytes = 0;
        long kept = 0;
        for (int layer = 0; layer < layers; layer++) {
            caches[layer] = layout.places(layer).stream()
                    .map(place -> new KvCache(tables[place.group()], place, types, ops))
                    .toArray(KvCache[]::new);
            for (LayerState.Part part : LayerState.of(model, layer).parts()) {
                switch (part) {
                    case LayerState.Cache cache -> {}
                    case LayerState.SharedCache shared -> caches[layer] = caches[shared.layer()];
                    case LayerState.Source read -> {}
                    case LayerState.Recurrent sizes -> {
                        states[layer] = new RecurrentState(sizes.convolution(), sizes.state());
                        bytes += RecurrentState.bytes(sizes.convolution(), sizes.state());
                        kept += RecurrentState.keptBytes(sizes.convolution(), sizes.state());
                    }
                }
            }
        }
        stateBytes = bytes;
        keptStateBytes = kept;
    }

    /**
     * Bytes a sequence takes when its context is full; of a decoder with a source as long, and with what the encoder takes while it
     * reads that.
     */
    public static long bytes(Model model, int capacity, KvCacheTypes types, int maxBatchRows) {
        long bytes = KvLayout.of(model, types, maxBatchRows).bytes(capacity);
        if (model.encoder() != null) {
            bytes += KvLayout.ofSource(model, types).bytes(capacity)
                    + bytes(model.encoder().model(), capacity, types, maxBatchRows);
        }
        for (int layer = 0; layer < model.blocks().size(); layer++) {
            for (LayerState.Part part : LayerState.of(model, layer).parts()) {
                if (part instanceof LayerState.Recurrent sizes) {
                    bytes += RecurrentState.bytes(sizes.convolution(), sizes.state());
                }
            }
        }
        return bytes;
    }

    public boolean isOwnedBy(KvPool owner) {
        return pool == owner;
    }

    public KvCacheTypes types() {
        return types;
    }

    /** The scale of each adapter of the model, or null where none is used. */
    public float @Nullable [] adapters() {
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
        if (scales.length != adapterCount) {
            throw new IllegalArgumentException(scales.length + " scales for " + adapterCount + " adapters");
        }
        if (length > 0) {
            throw new IllegalStateException("the sequence holds tokens that were evaluated with other adapters");
        }
        adapters = inUse(scales);
    }

    public KvCache cache(int layer) {
        return cache(layer, 0);
    }

    /** A layer's cache of this index. */
    public KvCache cache(int layer, int index) {
        KvCache[] ofLayer = caches[layer];
        if (index >= ofLayer.length) {
            throw new IllegalStateException("layer " + layer + " has no KV cache " + index);
        }
        return ofLayer[index];
    }

    /** What a layer of a decoder reads of the source. */
    public KvCache sourceCache(int layer) {
        return requireSource().cache(layer);
    }

    private SourceCache requireSource() {
        if (source == null) {
            throw new IllegalStateException("the model has no encoder");
        }
        return source;
    }

    @Override
    public int sourceLength() {
        return source == null ? 0 : source.length();
    }

    /** Forgets everything, and makes room for what a decoder reads of another source. */
    public void beginSource(int tokens) {
        checkOpen();
        forget();
        requireSource().reserve(tokens);
    }

    /** The other source is there. */
    public void commitSource(int tokens) {
        requireSource().commit(tokens);
    }

    public RecurrentState state(int layer) {
        RecurrentState state = states[layer];
        if (state == null) {
            throw new IllegalStateException("layer " + layer + " has no recurrent state");
        }
        return state;
    }

    @Override
    public void reserve(int newLength) {
        checkOpen();
        if (newLength <= length) {
            return;
        }
        long missing = take(newLength);
        if (missing == 0) {
            return;
        }
        long unused = missing;
        try {
            if (takenStateBytes < stateBytes) {
                reserveStates();
                unused -= stateBytes - takenStateBytes;
                takenStateBytes = stateBytes;
            }
            for (KvTable table : tables) {
                table.reserve(length, newLength, erases);
            }
        } finally {
            for (KvTable table : tables) {
                unused -= table.takeAllocated();
            }
            if (unused > 0) {
                pool.giveBack(unused);
            }
        }
    }

    /** Takes what is missing for more tokens. */
    private long take(int newLength) {
        long missing = missingBytes(newLength);
        while (missing > 0) {
            try {
                pool.take(missing, newLength - length);
                break;
            } catch (OutOfMemoryException e) {
                long before = missing;
                missing = missingBytes(newLength);
                if (missing >= before) {
                    throw e;
                } // else what was dropped for it shared a page that is not to be copied any more
            }
        }
        return missing;
    }

    private long missingBytes(int newLength) {
        long missing = stateBytes - takenStateBytes;
        for (KvTable table : tables) {
            missing += table.missingBytes(length, newLength);
        }
        return missing;
    }

    /** Bytes of the recurrent states. */
    long takenStateBytes() {
        return takenStateBytes;
    }

    private void reserveStates() {
        for (RecurrentState state : states) {
            if (state != null) {
                state.reserve();
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
        for (KvCache[] ofLayer : caches) {
            for (KvCache cache : ofLayer) {
                if (cache.hasOverflowed()) {
                    return true;
                }
            }
        }
        return source != null && source.hasOverflowed();
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
        if (newLength == 0) {
            clear();
            return true;
        }
        if (newLength < length && !canStandAt(newLength)) {
            return false;
        }
        for (KvTable table : tables) {
            table.truncate(newLength, erases);
        }
        if (keptStates != null) {
            keptStates.truncate(newLength);
        }
        length = newLength;
        return true;
    }

    /** Whether all is there that evaluating from an earlier position on needs. */
    private boolean canStandAt(int position) {
        if (stateBytes > 0) {
            return false;
        }
        for (KvTable table : tables) {
            if (!table.holds(position)) {
                return false;
            }
        }
        return true;
    }

    /** Gives everything back but the source. */
    private void clear() {
        length = 0;
        if (keptStates != null) {
            keptStates.truncate(0);
        }
        for (KvTable table : tables) {
            table.truncate(0, erases);
        }
        for (RecurrentState state : states) {
            if (state != null) {
                state.free();
            }
        }
        long taken = takenStateBytes;
        takenStateBytes = 0;
        if (taken > 0) {
            pool.giveBack(taken);
        }
    }

    /** Gives everything back. */
    private void forget() {
        clear();
        if (source != null) {
            source.clear(erases);
        }
    }

    @Override
    public int shareable(int upTo) {
        int position = Math.min(upTo, length);
        return position == length || canStandAt(position) ? position : 0;
    }

    @Override
    public boolean keepStates(int positions, boolean normed) {
        keptStates = new KeptRows(positions, hiddenSize);
        keepsNormed = normed;
        return true;
    }

    @Override
    public int statesFrom() {
        return keptStates == null ? length : keptStates.first(length);
    }

    @Override
    public void copyState(int position, float[] state) {
        if (keptStates == null) {
            throw new IllegalStateException("no states are kept");
        }
        keptStates.copy(position, state);
    }

    /** Where the states of its last positions are kept; null if they are not. */
    public @Nullable KeptRows keptStates() {
        return keptStates;
    }

    /** Whether states are kept as the output norm returns them. */
    public boolean keepsNormed() {
        return keepsNormed;
    }

    @Override
    public boolean canGoBack() {
        return stateBytes == 0;
    }

    @Override
    public void share(Sequence from, int newLength) {
        checkOpen();
        if (!(from instanceof CpuSequence other) || other.pool != pool || !other.types.equals(types) || other == this) {
            throw new IllegalArgumentException("only sequences of one model and type share what they hold");
        }
        if (!Arrays.equals(adapters, other.adapters)) {
            throw new IllegalArgumentException("only sequences with the same adapters share what they hold");
        }
        if (newLength < 0 || newLength > capacity || other.shareable(newLength) != newLength) {
            throw new IllegalArgumentException("cannot begin with " + newLength + " of " + other.length + " tokens");
        }
        other.checkOpen();
        clear();
        if (source != null && other.source != null) {
            source.clear(erases);
            source.share(other.source);
        }
        if (newLength == 0) {
            return;
        }
        if (keptStateBytes > 0) {
            pool.take(keptStateBytes, 0);
            takenStateBytes = keptStateBytes;
            for (int layer = 0; layer < states.length; layer++) {
                RecurrentState state = states[layer];
                RecurrentState shared = other.states[layer];
                if (state != null && shared != null) {
                    state.copyOf(shared);
                }
            }
        }
        for (int i = 0; i < tables.length; i++) {
            tables[i].share(other.tables[i], newLength);
        }
        length = newLength;
    }

    @Override
    public void eraseFreed() {
        erases = true;
    }

    @Override
    public void save(WritableByteChannel out) throws IOException {
        checkOpen();
        if (source != null) {
            source.save(out);
        }
        for (int i = 0; i < tables.length; i++) {
            int group = i;
            tables[i].save(out, length, page -> eraseBehind(group, page, length % KvTable.PAGE));
        }
        for (RecurrentState state : states) {
            if (state != null && length > 0) {
                SavedValues.write(out, state.convolution());
                SavedValues.write(out, state.matrix());
            }
        }
    }

    /** What lies there may be of a sequence that the page was copied from. */
    private void eraseBehind(int group, MemorySegment page, int slot) {
        for (int layer = 0; layer < caches.length; layer++) {
            List<KvLayout.Place> places = layout.places(layer);
            for (int i = 0; i < places.size(); i++) {
                if (places.get(i).group() == group) {
                    caches[layer][i].eraseBehind(page, slot);
                }
            }
        }
    }

    @Override
    public void restore(ReadableByteChannel in, int newLength) throws IOException {
        checkOpen();
        forget();
        boolean whole = false;
        try {
            if (source != null) {
                source.restore(in, capacity);
            }
            for (KvTable table : tables) {
                table.restore(in, newLength);
            }
            if (stateBytes > 0 && newLength > 0) {
                pool.take(stateBytes, newLength);
                takenStateBytes = stateBytes;
                reserveStates();
                for (RecurrentState state : states) {
                    if (state != null) {
                        SavedValues.read(in, state.convolution());
                        SavedValues.read(in, state.matrix());
                    }
                }
            }
            length = newLength;
            whole = true;
        } finally {
            if (!whole) {
                forget();
            }
        }
    }

    void forEachPage(Consumer<KvPool.Page> action) {
        for (KvTable table : tables) {
            table.forEach(action);
        }
        if (source != null) {
            source.forEachPage(action);
        }
    }

    @Override
    public void close() {
        if (!closed) {
            forget();
            closed = true;
        }
    }
}
