package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;

/** Reads latent attention: the maps of the queries, at a low rank or not, and those of keys and values, apart or fused. */
final class LatentReader {
    private final ModelReader reader;
    private final int[] headCounts;
    private final int queryDim;
    private final int rotatedDim;
    private final int valueDim;
    private final int latentDim;
    private final boolean split;

    /**
     * @param queryDim elements of a query head, those that turn included
     * @param rotatedDim elements of a query head that turn, or would
     * @param latentDim elements of what the keys and values are made from
     * @param split whether the maps of keys and values are tensors of their own, as in files since April 2025
     */
    LatentReader(
            ModelReader reader,
            AttentionReader attentions,
            int queryDim,
            int rotatedDim,
            int valueDim,
            int latentDim,
            boolean split) {
        attentions.requireCausal();
        this.reader = reader;
        this.queryDim = queryDim;
        this.rotatedDim = rotatedDim;
        this.valueDim = valueDim;
        this.latentDim = latentDim;
        this.split = split;
        headCounts = attentions.headCounts;
        if (rotatedDim >= queryDim) {
            throw reader.metadata.failure(
                    reader.key("rope.dimension_count"),
                    "expected less than the " + queryDim + " elements of a query head, found " + rotatedDim);
        }
    }

    /** That of a file with the maps of keys and values apart: the keys with {@code _mla} and this ending. */
    static LatentReader split(ModelReader reader, AttentionReader attentions, String ending) {
        // without _mla they are widths of the cache
        reader.positive("attention.key_length" + ending, 1);
        reader.positive("attention.value_length" + ending, 1);
        return new LatentReader(
                reader,
                attentions,
                reader.positive("attention.key_length_mla" + ending),
                reader.count("rope.dimension_count" + ending, 0),
                reader.positive("attention.value_length_mla" + ending),
                reader.positive("attention.kv_lora_rank" + ending),
                true);
    }

    /** The attention of a layer, to set what not every one has. */
    LatentAttentionConfig.Builder read(int layer) {
        int heads = headCounts[layer];
        int hidden = reader.hiddenSize;
        Projection queryDown = null;
        Norm queryNorm = null;
        Projection query;
        if (reader.hasTensor(block(layer, "attn_q_a.weight"))) {
            int rank = reader.positive("attention.q_lora_rank");
            queryDown = reader.projection(block(layer, "attn_q_a"), hidden, rank);
            queryNorm = reader.rms(block(layer, "attn_q_a_norm"), rank);
            query = reader.projection(block(layer, "attn_q_b"), rank, (long) heads * queryDim);
        } else {
            query = reader.projection(block(layer, "attn_q"), hidden, (long) heads * queryDim);
        }
        int plainDim = queryDim - rotatedDim;
        List<Projection> keyUp = new ArrayList<>();
        List<Projection> valueUp = new ArrayList<>();
        // some files have both forms of the maps, for programs that know one of them
        boolean apart = split
                && (reader.hasTensor(block(layer, "attn_k_b.weight"))
                        || !reader.hasTensor(block(layer, "attn_kv_b.weight")));
        if (apart) {
            reader.passOver(block(layer, "attn_kv_b.weight"));
            keyUp.addAll(reader.projections(block(layer, "attn_k_b"), plainDim, latentDim, heads));
            valueUp.addAll(reader.projections(block(layer, "attn_v_b"), latentDim, valueDim, heads));
        } else {
            reader.passOver(block(layer, "attn_k_b.weight"));
            reader.passOver(block(layer, "attn_v_b.weight"));
            long width = (long) heads * (plainDim + valueDim);
            takeApart(reader.tensor(block(layer, "attn_kv_b.weight"), latentDim, width), plainDim, keyUp, valueUp);
        }
        return new LatentAttentionConfig.Builder(
                        heads,
                        plainDim,
                        rotatedDim,
                        valueDim,
                        query,
                        reader.projection(block(layer, "attn_kv_a_mqa"), hidden, (long) latentDim + rotatedDim),
                        reader.rms(block(layer, "attn_kv_a_norm"), latentDim),
                        keyUp,
                        valueUp,
                        reader.projection(block(layer, "attn_output"), (long) heads * valueDim, hidden))
                .lowRankQuery(queryDown, queryNorm);
    }

    /** {@code attn_gate}, with an output for each head or for each element of the heads. */
    AttentionConfig.Gate gate(int layer) {
        String name = block(layer, "attn_gate");
        int heads = headCounts[layer];
        long width = reader.rows(name + ".weight") == heads ? heads : (long) heads * valueDim;
        return new AttentionConfig.Gate(
                reader.projection(name, reader.hiddenSize, width), AttentionConfig.Gate.Function.SIGMOID);
    }

    /**
     * Older files have the maps of the keys and values in one matrix, head by head, and that of the keys the other way round. A
     * quantized matrix cannot be transposed as it is: it becomes F32.
     */
    private void takeApart(Tensor fused, int plainDim, List<Projection> keyUp, List<Projection> valueUp) {
        int headRows = plainDim + valueDim;
        float[] rows = new float[Math.multiplyExact(plainDim, latentDim)];
        for (long head = 0; head < fused.rows() / headRows; head++) {
            fused.dequantizeRows(head * headRows, plainDim, rows, 0);
            MemorySegment transposed = Arena.ofAuto().allocate(4L * rows.length, 64);
            for (int i = 0; i < rows.length; i++) {
                int at = i % latentDim * plainDim + i / latentDim;
                transposed.setAtIndex(ValueLayout.JAVA_FLOAT, at, rows[i]);
            }
            Shape shape = Shape.of(plainDim, latentDim);
            keyUp.add(Projection.of(new Tensor(fused.name(), DType.F32, shape, transposed)));
            valueUp.add(Projection.of(fused.rowRange(head * headRows + plainDim, valueDim)));
        }
    }
}
