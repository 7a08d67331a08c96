package dev.nibble.cpu.state;

import dev.nibble.KvCacheTypes;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import java.lang.foreign.MemorySegment;

/**
 * The keys and values of one attention layer of one sequence, as they lie in its pages ({@link KvLayout}). The keys, and the values, of
 * a head and a block of {@link #BLOCK} positions lie together, as {@link KvCodec} says, and are read together.
 */
public final class KvCache {
    /** Positions of a block, which are read together. */
    public static final int BLOCK = KvCodec.BLOCK;

    private final KvTable table;
    private final KvCodec keyCodec;
    private final KvCodec valueCodec;
    private final int kvHeadCount;
    private final int keyDim;
    private final int valueDim;
    private final int spacing;
    private final int rowsOfPage;
    private final long keyOffset;
    private final long valueOffset;

    KvCache(KvTable table, KvLayout.Place place, KvCacheTypes types, VectorOps ops) {
        this.table = table;
        kvHeadCount = place.sizes().kvHeadCount();
        keyDim = place.sizes().keyDim();
        valueDim = place.sizes().valueDim();
        // where the values are the keys, each head reads them with queries of its own, which are not rotated
        boolean rotates = keyDim > 0;
        keyCodec = KvCodec.of(types.keys(), ops, rotates);
        valueCodec = KvCodec.of(types.values(), ops, rotates);
        spacing = place.sizes().spacing();
        rowsOfPage = place.sizes().rowsOfPage();
        keyOffset = place.keyOffset();
        valueOffset = place.valueOffset();
    }

    /**
     * That of a layer by itself, with room for positions, outside any sequence. Its memory is freed when the last page is, or with
     * {@link #free}.
     *
     * @param positions that can be written
     * @param window positions a query sees, 0 for all
     * @param maxBatchRows rows written before the first of them is read
     */
    public static KvCache alone(
            int kvHeadCount,
            int keyDim,
            int valueDim,
            KvCacheTypes types,
            int positions,
            int window,
            int maxBatchRows,
            VectorOps ops) {
        KvLayout layout = KvLayout.of(
                new LayerState.Cache(kvHeadCount, keyDim, valueDim, window), types, maxBatchRows + positions);
        KvLayout.Place place = layout.places(0).getFirst();
        KvPool pool = new KvPool();
        KvTable table = new KvTable(pool, pool, layout.groups().getFirst());
        table.reserve(0, positions, false);
        return new KvCache(table, place, types, ops);
    }

    /** Frees the memory of {@link #alone}. */
    public void free() {
        table.truncate(0, false);
    }

    /** Stores the key and the value of a position, or of a block of positions: [kvHeadCount, dim] each. */
    public void write(int position, float[] keys, int keyOffset, float[] values, int valueOffset, Scratch scratch) {
        MemorySegment page = table.memory(lastOf(position));
        int slot = position % rowsOfPage;
        for (int head = 0; head < kvHeadCount; head++) {
            keyCodec.writeKey(keys, keyOffset + head * keyDim, keyDim, page, keysOf(head), slot, scratch);
            valueCodec.writeValue(
                    values, valueOffset + head * valueDim, valueDim, page, valuesOf(head, position), scratch);
        }
    }

    /**
     * Reads the keys of a block of positions, [keyDim, BLOCK]. Those of positions that were not written are anything.
     *
     * @param position first of the block, a multiple of {@link #BLOCK}
     */
    public void readKeys(int head, int position, float[] out, Scratch scratch) {
        keyCodec.readKeys(table.memory(position), keysOf(head), keyDim, out, scratch);
    }

    /** Reads the values of {@code count} positions of one block: [count, valueDim]. */
    public void readValues(int head, int position, int count, float[] out, Scratch scratch) {
        readValues(head, position, count, out, 0, scratch);
    }

    /** Likewise, from index {@code at} on. */
    public void readValues(int head, int position, int count, float[] out, int at, Scratch scratch) {
        valueCodec.readValues(
                table.memory(lastOf(position)), valuesOf(head, position), count * valueDim, out, at, scratch);
    }

    /** Reads the values of positions, or of the blocks of positions that a value stands for, that lie in any pages: [count, valueDim]. */
    public void readRows(int head, int first, int count, float[] out, Scratch scratch) {
        int read = 0;
        while (read < count) {
            int run = Math.min(count - read, rowsOfPage - (first + read) % rowsOfPage);
            readValues(head, first + read, run, out, read * valueDim, scratch);
            read += run;
        }
    }

    /**
     * Brings queries into the form in which the keys are kept, so that their products are those of keys and queries as they were.
     *
     * @param queries [count, keyDim]
     */
    public void prepareQueries(float[] queries, int count) {
        keyCodec.rotate(queries, count, keyDim);
    }

    /** Brings sums of values, [count, valueDim], into the form in which the values were before they were kept. */
    public void finishValues(float[] sums, int count) {
        valueCodec.rotate(sums, count, valueDim);
    }

    /** Erases the positions of a page of this layer from one on. */
    void eraseBehind(MemorySegment page, int from) {
        Scratch scratch = new Scratch();
        float[] zeros = new float[Math.max(keyDim, valueDim)];
        for (int head = 0; head < kvHeadCount; head++) {
            for (int slot = from / spacing; slot < rowsOfPage; slot++) {
                keyCodec.writeKey(zeros, 0, keyDim, page, keysOf(head), slot, scratch);
                valueCodec.writeValue(zeros, 0, valueDim, page, valuesOf(head, slot), scratch);
            }
        }
    }

    /** Whether something was stored that is too large for the type, and became an infinity. */
    public boolean hasOverflowed() {
        boolean[] found = new boolean[1];
        table.forEach(page -> found[0] |= keyCodec.hasOverflowed(
                        page.memory.asSlice(keyOffset, keysOf(kvHeadCount) - keyOffset))
                || valueCodec.hasOverflowed(page.memory.asSlice(valueOffset, valuesOf(kvHeadCount, 0) - valueOffset)));
        return found[0];
    }

    /** The last position of a block of positions. */
    private int lastOf(int block) {
        return spacing == 1 ? block : (block + 1) * spacing - 1;
    }

    private long keysOf(int head) {
        return keyOffset + (long) head * KvTable.PAGE * keyCodec.rowBytes(keyDim);
    }

    private long valuesOf(int head, int position) {
        return valueOffset + ((long) head * rowsOfPage + position % rowsOfPage) * valueCodec.rowBytes(valueDim);
    }
}
