package dev.nibble.cpu.state;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.model.Model;
import java.util.ArrayList;
import java.util.List;

/**
 * Where the keys and values of each layer's caches lie in the pages of a sequence. Caches that are seen equally far share pages: in a
 * page, the keys of a cache's heads, [kvHeadCount, rows of a block of keys], and then its values, [kvHeadCount, rows, valueDim]. A value
 * that stands for a block of positions lies in the page of the last of them.
 */
final class KvLayout {
    private static final int ALIGNMENT = 64;

    /**
     * Layers that see equally far.
     *
     * @param window positions that a query sees, 0 for all
     * @param reach positions that are kept: the window, and a batch behind which it is moved
     */
    record Group(int window, int reach, long pageBytes) {

        /** Bytes of so many positions. */
        long bytes(int positions) {
            long pages = Math.ceilDiv(positions, KvTable.PAGE);
            return pageBytes * (window == 0 ? pages : Math.min(pages, Math.ceilDiv(reach, KvTable.PAGE) + 1L));
        }
    }

    /**
     * A cache's place.
     *
     * @param group index of its group
     */
    record Place(int group, LayerState.Cache sizes, long keyOffset, long valueOffset) {}

    private final List<Group> groups = new ArrayList<>();
    private final List<List<Place>> places = new ArrayList<>();
    private final KvCacheTypes types;
    private final int maxBatchRows;

    private KvLayout(int layers, KvCacheTypes types, int maxBatchRows) {
        for (int layer = 0; layer < layers; layer++) {
            places.add(new ArrayList<>());
        }
        this.types = types;
        this.maxBatchRows = maxBatchRows;
    }

    /**
     * That of a model.
     *
     * @param maxBatchRows rows written before the first of them is read
     */
    static KvLayout of(Model model, KvCacheTypes types, int maxBatchRows) {
        KvLayout layout = new KvLayout(model.blocks().size(), types, maxBatchRows);
        for (int layer = 0; layer < layout.places.size(); layer++) {
            for (LayerState.Part part : LayerState.of(model, layer).parts()) {
                if (part instanceof LayerState.Cache sizes) {
                    layout.add(layer, sizes);
                }
            }
        }
        return layout;
    }

    /** That of the states of a model's encoder, for the layers that read them. */
    static KvLayout ofSource(Model model, KvCacheTypes types) {
        KvLayout layout = new KvLayout(model.blocks().size(), types, 0);
        for (int layer = 0; layer < layout.places.size(); layer++) {
            for (LayerState.Part part : LayerState.of(model, layer).parts()) {
                if (part instanceof LayerState.Source source) {
                    layout.add(layer, source.sizes());
                }
            }
        }
        return layout;
    }

    /** That of a single cache. */
    static KvLayout of(LayerState.Cache sizes, KvCacheTypes types, int maxBatchRows) {
        KvLayout layout = new KvLayout(1, types, maxBatchRows);
        layout.add(0, sizes);
        return layout;
    }

    private void add(int layer, LayerState.Cache sizes) {
        int index = 0;
        while (index < groups.size() && groups.get(index).window() != sizes.window()) {
            index++;
        }
        if (index == groups.size()) {
            long reach = (long) sizes.window() + maxBatchRows;
            groups.add(new Group(sizes.window(), (int) Math.min(reach, Integer.MAX_VALUE - KvTable.PAGE), 0));
        }
        Group group = groups.get(index);
        long keys = group.pageBytes();
        long values = keys + bytes(types.keys(), sizes.kvHeadCount(), sizes.keyDim(), KvTable.PAGE);
        places.get(layer).add(new Place(index, sizes, keys, values));
        long pageBytes = values + bytes(types.values(), sizes.kvHeadCount(), sizes.valueDim(), sizes.rowsOfPage());
        groups.set(index, new Group(group.window(), group.reach(), pageBytes));
    }

    private static long bytes(KvCacheType type, int heads, int dim, int rows) {
        long bytes = (long) heads * rows * KvCodec.rowBytes(type, dim);
        return Math.ceilDiv(bytes, ALIGNMENT) * ALIGNMENT;
    }

    List<Group> groups() {
        return groups;
    }

    /** The places of a layer's own caches, often one. */
    List<Place> places(int layer) {
        return places.get(layer);
    }

    /** Bytes of so many positions. */
    long bytes(int positions) {
        return groups.stream().mapToLong(group -> group.bytes(positions)).sum();
    }
}
