package dev.nibble.cpu.op;

import dev.nibble.cpu.op.AttentionTile.Softmax;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.state.CpuSequence;
import dev.nibble.cpu.state.KvCache;
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
    private final boolean ofSource;
    private final int tileRows;
    private final int group;
    private final Pass.Job tileJob = this::runTiles;
    private final Pass.Job spanJob = this::runSpans;

    /** How the batch is divided for the layer that runs, and the results of spans until they are merged; of the running pass. */
    private static final class Division {
        private int groups;
        private int[] firstRows = new int[1];
        private int[] rowCounts = new int[1];
        private int[] segmentEnds = new int[1];
        private int[] firstItems = new int[2]; // of the first span of each group
        private final Softmax partial = new Softmax();

        private void add(int firstRow, int rowCount, int segmentEnd) {
            if (groups == firstRows.length) {
                firstRows = Arrays.copyOf(firstRows, 2 * groups);
                rowCounts = Arrays.copyOf(rowCounts, 2 * groups);
                segmentEnds = Arrays.copyOf(segmentEnds, 2 * groups);
                firstItems = Arrays.copyOf(firstItems, 2 * groups + 1);
            }
            firstRows[groups] = firstRow;
            rowCounts[groups] = rowCount;
            segmentEnds[groups] = segmentEnd;
            groups++;
        }
    }

    /**
     * @param ofSource whether keys and values are those of the sequence's source, in place of its own
     */
    BlockedAttention(AttentionConfig config, int layer, boolean ofSource) {
        this.config = config;
        this.layer = layer;
        this.ofSource = ofSource;
        tileRows = AttentionTile.rows(config);
        group = config.headCount() / config.kvHeadCount();
    }

    /** From {@link Buffer#QUERY} and the KV cache to {@link Input#MIXED}. */
    void run(Pass pass) {
        Division division = division(pass);
        divide(pass, division);
        int heads = config.kvHeadCount();
        int spans = division.firstItems[division.groups];
        if (division.groups * heads >= ITEMS_PER_THREAD * pass.pool.threads() || spans == division.groups) {
            pass.forEach(division.groups * heads, 1, tileJob);
            return;
        }
        division.partial.reserve(spans * heads * tileRows * group, config.valueDim());
        pass.forEach(spans * heads, 1, spanJob);
        // not that of a worker: outside a loop, these work for other models
        AttentionTile tile = AttentionTile.of(pass, config);
        for (int i = 0; i < division.groups; i++) {
            for (int head = 0; head < heads; head++) {
                tile.mergeSpans(
                        pass.ops,
                        division.partial,
                        partialAt(division.firstItems[i], head),
                        heads * tileRows * group,
                        division.firstItems[i + 1] - division.firstItems[i],
                        head,
                        division.firstRows[i],
                        division.rowCounts[i],
                        pass.workspace.get(Input.MIXED).values());
            }
        }
    }

    private static Division division(Pass pass) {
        return pass.part(Division.class, Division::new);
    }

    /** Cuts the segments into groups of rows. */
    private void divide(Pass pass, Division division) {
        division.groups = 0;
        for (int segment = 0; segment < pass.segments(); segment++) {
            int end = pass.segmentStart(segment + 1);
            for (int row = pass.segmentStart(segment); row < end; row += tileRows) {
                int i = division.groups;
                division.add(row, Math.min(tileRows, end - row), end);
                int spans =
                        (endPosition(pass, division, i) - 1) / AttentionTile.SPAN - firstSpan(pass, division, i) + 1;
                division.firstItems[i + 1] = division.firstItems[i] + spans;
            }
        }
    }

    /** Positions in a group's cache, after this batch. */
    private int written(Pass pass, Division division, int i) {
        return ofSource
                ? pass.sequence(division.firstRows[i]).sourceLength()
                : pass.position(division.segmentEnds[i] - 1) + 1;
    }

    private KvCache cache(Pass pass, Division division, int i) {
        CpuSequence sequence = pass.sequence(division.firstRows[i]);
        return ofSource ? sequence.sourceCache(layer) : sequence.cache(layer);
    }

    private int firstPosition(Pass pass, Division division, int i) {
        return AttentionTile.firstVisible(config, pass.position(division.firstRows[i]));
    }

    private int endPosition(Pass pass, Division division, int i) {
        int last = pass.position(division.firstRows[i] + division.rowCounts[i] - 1);
        return AttentionTile.endVisible(config, last, written(pass, division, i));
    }

    private int firstSpan(Pass pass, Division division, int i) {
        return firstPosition(pass, division, i) / AttentionTile.SPAN;
    }

    private int partialAt(int span, int head) {
        return (span * config.kvHeadCount() + head) * tileRows * group;
    }

    private void runTiles(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        float[] mixed = pass.workspace.get(Input.MIXED).values();
        Division division = division(pass);
        Scratch scratch = pass.pool.scratch(worker);
        AttentionTile tile = AttentionTile.of(scratch, config);
        for (int item = from; item < to; item++) {
            // the tiles of one head after each other: its keys and values stay in the cache
            int head = item / division.groups;
            int i = item % division.groups;
            tile.run(
                    pass.ops,
                    cache(pass, division, i),
                    head,
                    queries,
                    division.firstRows[i],
                    division.rowCounts[i],
                    pass.position(division.firstRows[i]),
                    written(pass, division, i),
                    mixed,
                    scratch);
        }
    }

    private void runSpans(Pass pass, int worker, int from, int to) {
        float[] queries = pass.workspace.get(Buffer.QUERY);
        Division division = division(pass);
        Scratch scratch = pass.pool.scratch(worker);
        AttentionTile tile = AttentionTile.of(scratch, config);
        for (int item = from; item < to; item++) {
            int head = item % config.kvHeadCount();
            int span = item / config.kvHeadCount();
            int i = 0;
            while (span >= division.firstItems[i + 1]) {
                i++;
            }
            int begin = (firstSpan(pass, division, i) + span - division.firstItems[i]) * AttentionTile.SPAN;
            tile.runSpan(
                    pass.ops,
                    cache(pass, division, i),
                    head,
                    queries,
                    division.firstRows[i],
                    division.rowCounts[i],
                    pass.position(division.firstRows[i]),
                    written(pass, division, i),
                    Math.max(begin, firstPosition(pass, division, i)),
                    Math.min(begin + AttentionTile.SPAN, endPosition(pass, division, i)),
                    division.partial,
                    partialAt(span, head),
                    scratch);
        }
    }
}
