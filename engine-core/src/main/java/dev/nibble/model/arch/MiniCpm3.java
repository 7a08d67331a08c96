package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.Mixer;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** MiniCPM 3 and PLM: latent attention before dense layers; MiniCPM 3 with factors, PLM without a gate. */
public final class MiniCpm3 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("minicpm3", "plm");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new LatentDecoder(reader, reader.architecture.equals("plm") ? plm() : miniCpm(reader));
    }

    private static Traits plm() {
        return Traits.adjacent().ungated(Activation.RELU_SQUARED);
    }

    private static Traits miniCpm(ModelReader reader) {
        return Traits.halves()
                .embeddingScale(12)
                .residualScale((float) (1.4 / Math.sqrt(reader.layerCount)))
                .logits(256f / reader.hiddenSize, 0);
    }

    private static final class LatentDecoder extends Decoder {
        private final LatentReader latents;
        private final RopeConfig rope;

        LatentDecoder(ModelReader reader, Traits traits) {
            super(reader, traits);
            int queryDim = reader.positive("attention.key_length");
            rope = ropes.read(queryDim);
            latents = new LatentReader(
                    reader,
                    attentions,
                    queryDim,
                    rope.dims(),
                    attentions.valueDim(0),
                    reader.positive("attention.kv_lora_rank"),
                    false);
        }

        @Override
        Mixer mixer(int layer) {
            return latents.read(layer).rope(rope).build();
        }
    }
}
