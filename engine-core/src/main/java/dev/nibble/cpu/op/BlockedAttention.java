package dev.nibble.cpu.op;

import dev.nibble.cpu.op.AttentionTile.Softmax;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.AttentionConfig;
import java.util.Arrays;

/**
 * Divides the attention of a batch among the threads: a tile is some rows of one segment with one key/value head. Where
 * there are too few tiles for the threads, as when one token attends with few heads, each span of a tile is an item of
 * its own.
 */
final class BlockedAttention {
    /** Items that a thread should find, to even out unequal ones. */
    private static final int ITEMS_PER_THREAD = 4;

    private final AttentionConfig config;
    private final int layer;
    private final int tileRows;
    private final int group;
    private final AttentionTile[] tiles; // one for each worker
    private final Pass.Job tileJob = this::runTiles;
    private final Pass.Job spanJob = this::runSpans;

    // of the batch: where each group of rows begins, its number of rows, where its segment ends, its first span's item
    private int groups;
    private int[] firstRows = new int[1];
    private int[] rowCounts = new int[1];
    private int[] segmentEnds = new int[1];
    private int[] firstItems = new int[2];
    private Softmax partial = new Softmax(0, 1);

    BlockedAttention(AttentionConfig config, int layer, int threads) {
        this.config = config;
        this.layer = layer;
        tileRows = AttentionTile.rows(config);
        group = config.headCount() / config.kvHeadCount();
        tiles = new AttentionTile[threads];
        for (int i = 0; i < threads; i++) {
            tiles[i] = new AttentionTile(config);
        }
    }

    /** From {@link Buffer#QUERY} and the KV cache to {@link Input#MIXED}. */
    void run(Pass pass) {
        divide(pass);
        int heads = config.kvHeadCount();
        int spans = firstItems[groups];
        if (groups * heads >= ITEMS_PER_THREAD * pass.pool.threads() || spans == groups) {
            pass.forEach(groups * heads, 1, tileJob);
            return;
        }
        int queries = spans * heads * tileRows * group;
        if (partial.maximum.length < queries) {
            partial = new Softmax(2 * queries, config.valueDim());
        }
        pass.forEach(spans * heads, 1, spanJob);
        for (int i = 0; i < groups; i++) {
            for (int head = 0; head < heads; head++) {
                tiles[0].mergeSpans(
                        pass.ops,
                        partial,
                        partialAt(firstItems[i], head),
                        heads * tileRows * group,
                        firstItems[i + 1] - firstItems[i],
                        head,
                        firstRows[i],
                        rowCounts[i],
                        pass.workspace.get(Input.MIXED).values());
            }
        }
    }

    /** Cuts the segments into groups of rows. */
    private void divide(Pass pass) {
        groups = 0;
        for (int segment = 0; segment < pass.segments(); segment++) {
            int end = pass.segmentStart(segment + 1);
            for (int row = pass.segmentStart(segment); row < end; row += tileRows) {
                if (groups == firstRows.length) {
                    firstRows = Arrays.copyOf(firstRows, 2 * groups);
                    rowCounts = Arrays.copyOf(rowCounts, 2 * groups);
                    segmentEnds = Arrays.copyOf(segmentEnds, 2 * groups);
                    firstItems = Arrays.copyOf(firstItems, 2 * groups + 1);
                }
                firstRows[groups] = row;
                rowCounts[groups] = Math.min(tileRows, end - row);
                segmentEnds[groups] = end;
                int spans = (endPosition(pass, groups) - 1) / AttentionTile.SPAN - firstSpan(pass, groups) + 1;
                firstItems[groups + 1] = firstItems[groups] + spans;
                groups++;
            }
        }
    }

    private int written(Pass pass, int i) {
        return pass.position(segmentEnds[i] - 1) + 1;
    }

    private int firstPosition(Pass pass, int i) {
        return AttentionTile.firstVisible(config, pass.position(firstRows[i]));
    }

    private int endPosition(Pass pass, int i) {
        int last = pass.position(firstRows[i] + rowCounts[i] - 1);
        return AttentionTile.endVisible(config, last, written(pass, i));
    }

    private int firstSpan(Pass pass, int i) {
        return firstPosition(pass, i) / AttentionTile.SPAN;
    }

    private int partialAt(int span, int head) {
        return (span * config.kvHeadCount() + head) * tileRows * group;
    }

    private void runTiles(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        float[] mixed = pass.workspace.get(Input.MIXED).values();
        for (int item = from; item < to; item++) {
            // the tiles of one head after each other: its keys and values stay in the cache
            int head = item / groups;
            int i = item % groups;
            tiles[worker].run(
                    pass.ops,
                    pass.sequence(firstRows[i]).cache(layer),
                    head,
                    queries,
                    firstRows[i],
                    rowCounts[i],
                    pass.position(firstRows[i]),
                    written(pass, i),
                    mixed,
                    pass.pool.scratch(worker));
        }
    }

    private void runSpans(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        for (int item = from; item < to; item++) {
            int head = item % config.kvHeadCount();
            int span = item / config.kvHeadCount();
            int i = 0;
            while (span >= firstItems[i + 1]) {
                i++;
            }
            int begin = (firstSpan(pass, i) + span - firstItems[i]) * AttentionTile.SPAN;
            tiles[worker].runSpan(
                    pass.ops,
                    pass.sequence(firstRows[i]).cache(layer),
                    head,
                    queries,
                    firstRows[i],
                    rowCounts[i],
                    pass.position(firstRows[i]),
                    written(pass, i),
                    Math.max(begin, firstPosition(pass, i)),
                    Math.min(begin + AttentionTile.SPAN, endPosition(pass, i)),
                    partial,
                    partialAt(span, head),
                    pass.pool.scratch(worker));
        }
    }
}
