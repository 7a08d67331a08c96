package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.FactoredMap;
import dev.nibble.model.FeedForward;
import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import dev.nibble.model.Projection;
import dev.nibble.model.RopeConfig;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Qwen3.5 to 3.8, dense and with experts: gated delta-net layers, and gated full attention on every fourth. The
 * interleaved multi-axis rotation is the rotation by halves for text, where the axes have the same position.
 */
public final class Qwen35 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("qwen35", "qwen35moe", "qwen3next");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new QwenDecoder(reader);
    }

    private static final class QwenDecoder extends Decoder {
        private final RopeConfig rope;
        private final boolean[] recurrent;

        QwenDecoder(ModelReader reader) {
            super(reader, RopeConfig.Style.HALVES, Activation.SILU);
            RopeConfig unsectioned = ropes.read(attentions.headDim(0));
            rope = unsectioned.withFrequencyFactors(RopeReader.axisFactorsByTurns(reader, unsectioned.dims()));
            recurrent = attentions.recurrentLayers(4);
        }

        @Override
        BlockConfig blockConfig(int layer) {
            return BlockConfig.preNorm(
                    reader.rms(block(layer, "attn_norm"), reader.hiddenSize),
                    mixer(layer),
                    reader.rms(block(layer, "post_attention_norm"), reader.hiddenSize),
                    feedForward(layer));
        }

        @Override
        Mixer mixer(int layer) {
            return recurrent[layer]
                    ? deltaNet(layer)
                    : attention(attentions.readGated(layer)).build();
        }

        private DeltaNetConfig deltaNet(int layer) {
            int hidden = reader.hiddenSize;
            int keyHeads = reader.positive("ssm.group_count");
            int valueHeads = reader.positive("ssm.time_step_rank");
            int stateSize = reader.positive("ssm.state_size");
            int kernelSize = reader.positive("ssm.conv_kernel");
            long valueWidth = (long) valueHeads * stateSize;
            if (reader.positive("ssm.inner_size") != valueWidth || valueHeads % keyHeads != 0) {
                throw reader.failure("the delta-net sizes do not fit together: inner size "
                        + reader.positive("ssm.inner_size") + ", " + valueHeads + " value heads of " + stateSize + ", "
                        + keyHeads + " key heads");
            }
            reader.checkState(valueWidth, stateSize);
            long channels = 2L * keyHeads * stateSize + valueWidth;
            boolean grouped = reader.architecture.equals("qwen3next");
            List<Projection> inputs = inputs(layer, keyHeads, valueHeads, stateSize);
            List<Projection> rates = rates(layer, keyHeads, valueHeads);
            return new DeltaNetConfig(
                    keyHeads,
                    valueHeads,
                    grouped,
                    stateSize,
                    kernelSize,
                    reader.values(reader.tensor(block(layer, "ssm_conv1d.weight"), kernelSize, channels)),
                    List.of(inputs.get(0)),
                    reader.rmsEpsilon(),
                    FactoredMap.of(inputs.get(1)),
                    DeltaNetConfig.GateFunction.SILU,
                    new DeltaNetConfig.Decay(
                            FactoredMap.of(rates.get(0)),
                            reader.vector(block(layer, "ssm_dt.bias"), valueHeads),
                            reader.vector(block(layer, "ssm_a"), valueHeads),
                            0),
                    rates.get(1),
                    reader.rms(block(layer, "ssm_norm"), stateSize),
                    reader.projection(block(layer, "ssm_out"), valueWidth, hidden));
        }

        /** The map of q, k, v, and that of z; the first files of Qwen3-Next have all four together, key head by key head. */
        private List<Projection> inputs(int layer, int keyHeads, int valueHeads, int size) {
            int keyWidth = keyHeads * size;
            int valueWidth = valueHeads * size;
            int channels = 2 * keyWidth + valueWidth;
            String fused = block(layer, "ssm_in");
            if (!reader.hasTensor(fused + ".weight")) {
                return List.of(
                        reader.projection(block(layer, "attn_qkv"), reader.hiddenSize, channels),
                        reader.projection(block(layer, "attn_gate"), reader.hiddenSize, valueWidth));
            }
            Projection all = reader.projection(fused, reader.hiddenSize, (long) channels + valueWidth);
            int each = all.outputSize() / keyHeads;
            int values = valueWidth / keyHeads;
            int[] qkv = HeadRows.of(keyHeads, each, 0, size, size, size, 2 * size, values);
            int[] z = HeadRows.of(keyHeads, each, 2 * size + values, values);
            return List.of(HeadRows.gather(all, qkv), HeadRows.gather(all, z));
        }

        /** The maps of alpha and of beta; Qwen3-Next has them together, key head by key head, beta first. */
        private List<Projection> rates(int layer, int keyHeads, int valueHeads) {
            String fused = block(layer, "ssm_ba");
            if (!reader.hasTensor(fused + ".weight")) {
                return List.of(
                        reader.projection(block(layer, "ssm_alpha"), reader.hiddenSize, valueHeads),
                        reader.projection(block(layer, "ssm_beta"), reader.hiddenSize, valueHeads));
            }
            Projection both = reader.projection(fused, reader.hiddenSize, 2L * valueHeads);
            int each = valueHeads / keyHeads;
            return List.of(
                    HeadRows.gather(both, HeadRows.of(keyHeads, 2 * each, each, each)),
                    HeadRows.gather(both, HeadRows.of(keyHeads, 2 * each, 0, each)));
        }

        @Override
        AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
            int layer = attention.layer();
            int headDim = attentions.headDim(layer);
            return attention
                    .rope(rope)
                    .gate(new AttentionConfig.Gate(null, AttentionConfig.Gate.Function.SIGMOID))
                    .norms(
                            reader.rms(block(layer, "attn_q_norm"), headDim),
                            reader.rms(block(layer, "attn_k_norm"), headDim));
        }

        @Override
        FeedForward feedForward(int layer) {
            if (!feedForwards.hasExperts(layer)) {
                return feedForwards.dense(layer);
            }
            @Nullable Projection sharedGate = reader.hasTensor(block(layer, "ffn_gate_inp_shexp.weight"))
                    ? Projection.of(reader.tensor(block(layer, "ffn_gate_inp_shexp.weight"), reader.hiddenSize))
                    : null;
            return feedForwards
                    .experts(layer, feedForwards.expertSize(layer), Gating.SOFTMAX, true)
                    .withShared(
                            feedForwards.shared(layer, reader.positive("expert_shared_feed_forward_length")),
                            sharedGate);
        }
    }
}
