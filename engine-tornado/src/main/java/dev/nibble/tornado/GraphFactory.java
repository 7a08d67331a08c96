package dev.nibble.tornado;

import dev.nibble.tornado.kernels.AttentionKernels;
import dev.nibble.tornado.kernels.Layout;
import dev.nibble.tornado.kernels.MatrixKernels;
import dev.nibble.tornado.kernels.OutputKernels;
import dev.nibble.tornado.kernels.RowKernels;
import dev.nibble.tornado.kernels.Weights;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;

/**
 * Puts the graphs of a model together, for one row or for batches: what is fused for one row (norm and projection; norm,
 * gate, up and activation) is separate for many, where matrix-matrix kernels decode each weight once for several rows.
 */
final class GraphFactory {
    private final Buffers buffers;
    private final int rows;
    private final boolean single;

    /**
     * For batches of up to {@code rows} rows.
     */
    GraphFactory(Buffers buffers, int rows) {
        this.buffers = buffers;
        this.rows = rows;
        single = rows == 1;
    }

    private String name(String what) {
        return what + (single ? "-one" : "-many");
    }

    /** Token embeddings to the residual stream. */
    Graph embed(List<WeightStore.Piece> embedding, float scale) {
        List<Launch> launches = new ArrayList<>();
        for (WeightStore.Piece piece : embedding) {
            int columns = piece.columns();
            launches.add(Launch.of(
                    "embed" + launches.size(),
                    Math.ceilDiv(rows * columns, RowKernels.LANES),
                    RowKernels.LANES,
                    RowKernels::embed,
                    buffers.batch(),
                    buffers.weights().get(piece.array()),
                    buffers.residual(),
                    Weights.code(piece.type()),
                    columns,
                    piece.offset(),
                    piece.firstRow(),
                    piece.rows(),
                    scale));
        }
        return new Graph(name("embed"), List.of(buffers.batch()), launches, List.of());
    }

    /** The residual stream as the layers on the CPU left it. */
    Graph enter(FloatArray fromCpu, int hidden) {
        Launch copy = Launch.of(
                "copy",
                Math.ceilDiv(rows * hidden, RowKernels.LANES),
                RowKernels.LANES,
                RowKernels::copy,
                buffers.batch(),
                fromCpu,
                buffers.residual(),
                hidden);
        return new Graph(name("enter"), List.of(buffers.batch(), fromCpu), List.of(copy), List.of());
    }

    /** One layer. */
    Graph layer(LayerShape shape, int index) {
        List<Launch> launches = new ArrayList<>();
        attention(shape, launches);
        feedForward(shape, launches);
        return new Graph(name("layer" + index), List.of(buffers.step()), launches, List.of());
    }

    /** Norm and logits of one row, for one piece of the output matrix. */
    Graph logits(WeightStore.Piece piece, boolean norm, FloatArray logits, int index) {
        Launch launch = output(piece, norm, logits);
        return new Graph("logits" + index, List.of(buffers.step()), List.of(launch), List.of(logits));
    }

    /** As {@link #logits}, but only what {@link OutputKernels#best} makes of them comes down. */
    Graph best(WeightStore.Piece piece, boolean norm, float scale, FloatArray result, int index) {
        FloatArray logits = new FloatArray(piece.rows());
        Launch best = Launch.of(
                "best",
                OutputKernels.GROUPS,
                OutputKernels.LANES,
                OutputKernels::best,
                logits,
                result,
                piece.rows(),
                scale);
        List<Launch> launches = List.of(output(piece, norm, logits), best);
        return new Graph("best" + index, List.of(buffers.step()), launches, List.of(result));
    }

    private Launch output(WeightStore.Piece piece, boolean norm, FloatArray logits) {
        return project(
                "logits",
                piece.array(),
                Weights.code(piece.type()),
                piece.columns(),
                Layout.QUERY,
                1,
                0,
                piece.rows(),
                buffers.residual(),
                logits,
                norm ? Layout.ATTENTION_NORM : Layout.NO_NORM,
                false);
    }

    private void attention(LayerShape shape, List<Launch> launches) {
        int norm = shape.mixerNorm() ? Layout.ATTENTION_NORM : Layout.NO_NORM;
        int[] widths = {shape.queryWidth(), shape.kvHeads() * shape.headDim(), shape.kvHeads() * shape.valueDim()};
        projections("qkv", shape, Layout.QUERY, widths, shape.hidden(), buffers.projected(), norm, launches);
        launches.add(Launch.of(
                "prepare",
                rows * (shape.heads() + 2 * shape.kvHeads()),
                AttentionKernels.PREPARE_LANES,
                AttentionKernels::prepare,
                buffers.batch(),
                buffers.step(),
                buffers.table(),
                buffers.vectors(),
                buffers.projected(),
                buffers.query(),
                buffers.keys(),
                buffers.values(),
                shape.heads(),
                shape.kvHeads(),
                shape.headDim(),
                shape.valueDim(),
                shape.pairs(),
                shape.flags()));
        launches.add(Launch.of(
                "attend",
                rows * shape.heads(),
                AttentionKernels.ATTEND_LANES,
                AttentionKernels::attend,
                buffers.batch(),
                buffers.step(),
                buffers.table(),
                buffers.vectors(),
                buffers.query(),
                buffers.keys(),
                buffers.values(),
                buffers.mixed(),
                shape.heads(),
                shape.kvHeads(),
                shape.headDim(),
                shape.valueDim()));
        toResidual(
                "output",
                shape,
                Layout.OUTPUT,
                shape.mixedWidth(),
                buffers.mixed(),
                shape.mixerPostNorm() ? Layout.ATTENTION_POST_NORM : Layout.NO_NORM,
                launches);
    }

    private void feedForward(LayerShape shape, List<Launch> launches) {
        int norm = shape.ffnNorm() ? Layout.FFN_NORM : Layout.NO_NORM;
        if (single) {
            launches.add(Launch.of(
                    "gate",
                    shape.ffn(),
                    MatrixKernels.LANES,
                    MatrixKernels::gate,
                    buffers.step(),
                    buffers.table(),
                    weights(shape.array()),
                    buffers.vectors(),
                    buffers.residual(),
                    buffers.inner(),
                    shape.types().get(Layout.GATE),
                    shape.types().get(Layout.UP),
                    shape.hidden(),
                    shape.ffn(),
                    norm,
                    shape.activation()));
        } else {
            int[] widths = {shape.ffn(), shape.ffn()};
            projections("gateup", shape, Layout.GATE, widths, shape.hidden(), buffers.both(), norm, launches);
            launches.add(Launch.of(
                    "activate",
                    Math.ceilDiv(rows * shape.ffn(), RowKernels.LANES),
                    RowKernels.LANES,
                    RowKernels::activate,
                    buffers.batch(),
                    buffers.both(),
                    buffers.inner(),
                    shape.ffn(),
                    shape.activation()));
        }
        toResidual(
                "down",
                shape,
                Layout.DOWN,
                shape.ffn(),
                buffers.inner(),
                shape.ffnPostNorm() ? Layout.FFN_POST_NORM : Layout.NO_NORM,
                launches);
    }

    /** Matrices side by side that read the residual stream behind a norm: one launch for each run of one type. */
    private void projections(
            String name,
            LayerShape shape,
            int slot,
            int[] widths,
            int columns,
            FloatArray y,
            int norm,
            List<Launch> launches) {
        FloatArray x = buffers.residual();
        if (!single && norm != Layout.NO_NORM) {
            launches.add(normalize(name + "norm", x, buffers.hidden(), shape.hidden(), norm, RowKernels.REPLACE));
            x = buffers.hidden();
        }
        int from = 0;
        for (int part = 0; part < widths.length; ) {
            int type = shape.types().get(slot + part);
            int to = from;
            int next = part;
            while (next < widths.length && shape.types().get(slot + next) == type) {
                to += widths[next++];
            }
            String launch = name + part;
            launches.add(
                    single
                            ? project(
                                    launch,
                                    shape.array(),
                                    type,
                                    columns,
                                    slot,
                                    widths.length,
                                    from,
                                    to,
                                    x,
                                    y,
                                    norm,
                                    false)
                            : multiply(
                                    launch, shape.array(), type, columns, slot, widths.length, from, to, x, y, false));
            from = to;
            part = next;
        }
    }

    /** A matrix whose result is added to the residual stream, behind a norm if there is one. */
    private void toResidual(
            String name, LayerShape shape, int slot, int columns, FloatArray x, int postNorm, List<Launch> launches) {
        boolean add = postNorm == Layout.NO_NORM;
        FloatArray y = add ? buffers.residual() : buffers.hidden();
        int type = shape.types().get(slot);
        launches.add(
                single
                        ? project(
                                name,
                                shape.array(),
                                type,
                                columns,
                                slot,
                                1,
                                0,
                                shape.hidden(),
                                x,
                                y,
                                Layout.NO_NORM,
                                add)
                        : multiply(name, shape.array(), type, columns, slot, 1, 0, shape.hidden(), x, y, add));
        if (!add) {
            launches.add(normalize(name + "norm", y, buffers.residual(), shape.hidden(), postNorm, RowKernels.ADD));
        }
    }

    private Launch normalize(String name, FloatArray x, FloatArray y, int width, int norm, int mode) {
        return Launch.of(
                name,
                rows,
                RowKernels.LANES,
                RowKernels::rmsNorm,
                buffers.batch(),
                buffers.step(),
                buffers.table(),
                buffers.vectors(),
                x,
                y,
                width,
                norm,
                mode);
    }

    private Launch project(
            String name,
            int array,
            int type,
            int columns,
            int slot,
            int parts,
            int from,
            int to,
            FloatArray x,
            FloatArray y,
            int norm,
            boolean add) {
        return Launch.of(
                name,
                to - from,
                MatrixKernels.LANES,
                MatrixKernels::project,
                buffers.step(),
                buffers.table(),
                weights(array),
                buffers.vectors(),
                x,
                y,
                type,
                columns,
                slot,
                parts,
                from,
                norm,
                add ? 1 : 0);
    }

    private Launch multiply(
            String name,
            int array,
            int type,
            int columns,
            int slot,
            int parts,
            int from,
            int to,
            FloatArray x,
            FloatArray y,
            boolean add) {
        return Launch.of(
                name,
                Math.ceilDiv(to - from, MatrixKernels.TILE) * Math.ceilDiv(rows, MatrixKernels.TILE),
                MatrixKernels.TILE_LANES,
                MatrixKernels::multiply,
                buffers.batch(),
                buffers.step(),
                buffers.table(),
                weights(array),
                buffers.vectors(),
                x,
                y,
                type,
                columns,
                slot,
                parts,
                from,
                to,
                add ? 1 : 0);
    }

    private ByteArray weights(int array) {
        return buffers.weights().get(array);
    }
}
