package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;
import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Nemotron-H, Nano 2 and 3: each layer is one thing, Mamba-2, attention without rotation, or a feed-forward layer without a gate, dense or with experts, in some models in a space of their own. */
public final class NemotronH implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("nemotron_h", "nemotron_h_moe");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(
                reader,
                Traits.unrotated()
                        .ffnNorm("attn_norm")
                        .ungated(Activation.RELU_SQUARED)
                        .expertsByFile(SIGMOID, true)
                        .shared()) {
            @Override
            @Nullable Mixer mixer(int layer) {
                if (attentions.kvHeadCounts[layer] > 0) {
                    return super.mixer(layer);
                }
                return feedForwards.isAbsent(layer) ? Mamba2Reader.read(reader, layer, false) : null;
            }

            @Override
            @Nullable FeedForward feedForward(int layer) {
                return attentions.kvHeadCounts[layer] > 0 || feedForwards.isAbsent(layer)
                        ? null
                        : super.feedForward(layer);
            }

            @Override
            BlockConfig predictionLayer(int index) { // it has both parts
                return BlockConfig.preNorm(
                        mixerNorm(index),
                        Objects.requireNonNull(super.mixer(index)),
                        norm(block(index, "post_attention_norm"), reader.hiddenSize),
                        experts(index));
            }

            @Override
            FeedForward.Experts experts(int layer) {
                int latent = reader.count("moe_latent_size", 0);
                if (latent == 0) {
                    return super.experts(layer);
                }
                FeedForward.Experts.Latent space = new FeedForward.Experts.Latent(
                        reader.projection(block(layer, "ffn_latent_down"), reader.hiddenSize, latent),
                        null,
                        reader.projection(block(layer, "ffn_latent_up"), latent, reader.hiddenSize));
                return experts(layer, latent).withLatent(space);
            }
        };
    }
}
