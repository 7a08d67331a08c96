package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SOFTMAX;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.LightningConfig;
import dev.nibble.model.Mixer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** MiniMax-01 and M1: lightning attention but for every eighth layer, experts, and residuals that go on from what the norms made. */
public final class MiniMax01 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("minimax-01");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.halves().experts(SOFTMAX, true)) {
            private final boolean[] recurrent = attentions.recurrentLayers(8);

            @Override
            BlockConfig blockConfig(int layer) {
                return super.blockConfig(layer)
                        .with()
                        .normedResidual(reader.positiveFloat("residual_scale"))
                        .build();
            }

            @Override
            @Nullable Mixer mixer(int layer) {
                return recurrent[layer] ? lightning(layer) : super.mixer(layer);
            }

            private LightningConfig lightning(int layer) {
                int heads = attentions.headCounts[layer];
                int size = attentions.commonDim("");
                long width = (long) heads * size;
                reader.checkState("attention.key_length", width, size);
                return new LightningConfig(
                        heads,
                        size,
                        reader.projection(block(layer, "attn_qkv"), reader.hiddenSize, 3 * width),
                        rates(layer, heads),
                        reader.rms(block(layer, "attn_norm_2"), width),
                        reader.projection(block(layer, "attn_gate"), reader.hiddenSize, width),
                        reader.projection(block(layer, "attn_output"), width, reader.hiddenSize));
            }

            // the slopes of ALiBi, the smaller the later the layer
            private float[] rates(int layer, int heads) {
                double base = Math.pow(2, -Math.pow(2, 3 - Math.log(heads) / Math.log(2)));
                double share = 1 - layer / (double) Math.max(1, reader.layerCount - 1) + 1e-5;
                float[] rates = new float[heads];
                for (int head = 0; head < heads; head++) {
                    rates[head] = (float) (Math.pow(base, head + 1) * share);
                }
                return rates;
            }
        };
    }
}
