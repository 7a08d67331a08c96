package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.Mixer;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * DeepSeek-V2, V2-Lite, V3 and R1, Kimi K2, GLM-4.7-Flash and others that are stored as them: latent attention, dense
 * layers first, then experts beside shared ones.
 */
public final class DeepSeek2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("deepseek2");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new DeepSeekDecoder(reader);
    }

    private static final class DeepSeekDecoder extends Decoder {
        /** Whether the maps of keys and values are tensors of their own, as in files since April 2025. */
        private final boolean split;

        private final int queryDim;

        private final int valueDim;
        private final int latentDim;
        private final RopeConfig rope;
        private final float scale;
        private final AttentionConfig.@Nullable Temperature temperature;

        DeepSeekDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.ADJACENT, Activation.SILU);
            attentions.requireCausal();
            // The key without _mla is the width of the cache where both are there.
            split = reader.has("attention.key_length_mla");
            queryDim = reader.positive(split ? "attention.key_length_mla" : "attention.key_length");
            valueDim = reader.positive(split ? "attention.value_length_mla" : "attention.value_length");
            latentDim = reader.positive("attention.kv_lora_rank");
            RopeConfig plain = ropes.read(queryDim);
            if (plain.dims() >= queryDim) {
                throw reader.metadata.failure(
                        reader.key("rope.dimension_count"),
                        "expected less than the " + queryDim + " elements of a query head, found " + plain.dims());
            }
            // The file has a tenth of the multiplier that other architectures store under this key.
            float multiplier = 10 * reader.nonNegativeFloat("rope.scaling.yarn_log_multiplier", 0);
            double log = Math.log(plain.factor());
            double growth = 1 + 0.1 * log;
            boolean yarn = plain.yarn() != null;
            float magnitude = ropes.attentionFactor() * (float) (yarn && multiplier == 0 ? growth : 1);
            rope = plain.withMagnitude(magnitude);
            double factor = ropes.attentionFactor() * (yarn && multiplier != 0 ? 1 : growth);
            factor *= 1 + 0.1 * multiplier * log;
            scale = (float) (factor * factor / Math.sqrt(queryDim));
            float warmth = reader.nonNegativeFloat("attention.temperature_scale", 0);
            temperature = warmth == 0
                    ? null
                    : new AttentionConfig.Temperature(warmth, reader.positive("attention.temperature_length"), 0);
        }

        @Override
        Mixer mixer(int layer) {
            int heads = attentions.headCounts[layer];
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
            int plainDim = queryDim - rope.dims();
            List<Projection> keyUp = new ArrayList<>();
            List<Projection> valueUp = new ArrayList<>();
            // some files have both forms of the maps, for programs that know one of them
            if (split) {
                reader.passOver(block(layer, "attn_kv_b.weight"));
                keyUp.addAll(reader.projections(block(layer, "attn_k_b"), plainDim, latentDim, heads));
                valueUp.addAll(reader.projections(block(layer, "attn_v_b"), latentDim, valueDim, heads));
            } else {
                reader.passOver(block(layer, "attn_k_b.weight"));
                reader.passOver(block(layer, "attn_v_b.weight"));
                long width = (long) heads * (plainDim + valueDim);
                takeApart(reader.tensor(block(layer, "attn_kv_b.weight"), latentDim, width), keyUp, valueUp);
            }
            return new LatentAttentionConfig(
                    heads,
                    plainDim,
                    valueDim,
                    queryDown,
                    queryNorm,
                    query,
                    reader.projection(block(layer, "attn_kv_a_mqa"), hidden, (long) latentDim + rope.dims()),
                    reader.rms(block(layer, "attn_kv_a_norm"), latentDim),
                    keyUp,
                    valueUp,
                    reader.projection(block(layer, "attn_output"), (long) heads * valueDim, hidden),
                    rope,
                    scale,
                    temperature);
        }

        /**
         * Older files have the maps of the keys and values in one matrix, head by head, and that of the
         * keys the other way round. A quantized matrix cannot be transposed as it is: it becomes F32.
         */
        private void takeApart(Tensor fused, List<Projection> keyUp, List<Projection> valueUp) {
            int plainDim = queryDim - rope.dims();
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

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            throw new IllegalStateException("all attention is latent");
        }

        @Override
        FeedForward feedForward(int layer) {
            return feedForwards.denseThenExperts(
                    layer, feedForwards.gating(defaultGating()), feedForwards.normalizesWeights());
        }

        /** Files of before this key: those of GLM-4.7-Flash, told by their size, have sigmoids. */
        private Gating defaultGating() {
            boolean glm = (reader.layerCount == 47 || reader.layerCount == 48) && reader.vocabSize == 154880;
            return glm ? Gating.SIGMOID : Gating.SOFTMAX;
        }
    }
}
