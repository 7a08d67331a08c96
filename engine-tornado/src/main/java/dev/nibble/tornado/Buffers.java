package dev.nibble.tornado;

import dev.nibble.tornado.kernels.Layout;
import java.util.List;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * The arrays of a model on the device.
 *
 * @param weights the weights
 * @param table see {@link Layout}
 * @param vectors see {@link Layout}
 * @param batch see {@link Layout}, uploaded for each evaluation
 * @param step see {@link Layout}, uploaded for each graph
 * @param residual [rows, hidden], the residual stream
 * @param hidden [rows, hidden], normalized, or what a layer adds before its post norm
 * @param projected [rows, heads + kvHeads of keys + kvHeads of values]
 * @param query [rows, heads · headDim]
 * @param mixed [rows, heads · valueDim]
 * @param both [rows, 2, ffn], gate and up
 * @param inner [rows, ffn]
 * @param keys [layers, slots, kvHeads, headDim]
 * @param values [layers, slots, kvHeads, valueDim]
 */
record Buffers(
        List<ByteArray> weights,
        IntArray table,
        FloatArray vectors,
        IntArray batch,
        IntArray step,
        FloatArray residual,
        FloatArray hidden,
        FloatArray projected,
        FloatArray query,
        FloatArray mixed,
        FloatArray both,
        FloatArray inner,
        ShortArray keys,
        ShortArray values) {

    /** Room for batches of {@code rows} rows through layers of these shapes. */
    static Buffers allocate(
            List<ByteArray> weights, LayerTables tables, List<LayerShape> shapes, int rows, int slots, int hidden) {
        int projected = 1;
        int query = 1;
        int mixed = 1;
        int ffn = 1;
        for (LayerShape shape : shapes) {
            projected = Math.max(projected, shape.projectedWidth());
            query = Math.max(query, shape.queryWidth());
            mixed = Math.max(mixed, shape.mixedWidth());
            ffn = Math.max(ffn, shape.ffn());
        }
        LayerShape any = shapes.isEmpty() ? null : shapes.getFirst();
        int positions = shapes.size() * slots;
        return new Buffers(
                weights,
                tables.table(),
                tables.vectors(),
                new IntArray(Layout.BATCH_HEADER + rows * Layout.ROW_SIZE + slots / Layout.PAGE),
                new IntArray(Layout.STEP_SIZE),
                new FloatArray(rows * hidden),
                new FloatArray(rows * hidden),
                new FloatArray(rows * projected),
                new FloatArray(rows * query),
                new FloatArray(rows * mixed),
                new FloatArray(rows * 2 * ffn),
                new FloatArray(rows * ffn),
                new ShortArray(any == null ? 1 : positions * any.kvHeads() * any.headDim()),
                new ShortArray(any == null ? 1 : positions * any.kvHeads() * any.valueDim()));
    }

    /** What is uploaded once. */
    List<Object> constants() {
        List<Object> constants = new java.util.ArrayList<>(weights);
        constants.add(table);
        constants.add(vectors);
        return constants;
    }

    /** What lives on the device only. */
    List<Object> onDevice() {
        return List.of(residual, hidden, projected, query, mixed, both, inner, keys, values);
    }

    /** Bytes of all but the weights, which need not be on the host. */
    long bytes() {
        long bytes = 4L * (table.getSize() + batch.getSize() + step.getSize());
        for (FloatArray array : List.of(vectors, residual, hidden, projected, query, mixed, both, inner)) {
            bytes += 4L * array.getSize();
        }
        return bytes + 2L * keys.getSize() + 2L * values.getSize();
    }
}
