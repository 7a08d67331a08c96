package dev.nibble.model.arch;

import dev.nibble.model.FeedForward.Routing.Gating;
import dev.nibble.model.Mixer;
import java.util.List;

/** Granite 3 and 4: Llama with scaled embeddings, residuals, scores and logits; with experts; with Mamba-2 layers; with windows. MiniCPM has the same graph. */
public final class Granite implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("granite", "granitemoe", "granitehybrid", "granite_swa", "minicpm");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new GraniteDecoder(reader);
    }

    private static final class GraniteDecoder extends Decoder {
        GraniteDecoder(ModelReader reader) {
            super(reader, reader.architecture.equals("minicpm") ? miniCpm(reader) : granite(reader));
        }

        @Override
        Mixer mixer(int layer) {
            boolean recurrent = attentions.kvHeadCounts[layer] == 0;
            return recurrent
                    ? Mamba2Reader.read(reader, layer, false)
                    : attention(attentions.read(layer)).build();
        }

        private static Traits granite(ModelReader reader) {
            boolean hybrid = reader.architecture.equals("granitehybrid");
            Traits traits = Traits.adjacent()
                    .embeddingScale(reader.factor("embedding_scale", 1))
                    .residualScale(reader.factor("residual_scale", 1))
                    .attentionScale(reader.nonNegativeFloat("attention.scale", 0))
                    .logits(1 / (hybrid ? reader.factor("logit_scale", 1) : reader.positiveFloat("logit_scale")), 0)
                    .experts(Gating.SOFTMAX, true)
                    .shared();
            if (!reader.flag("rope.scaling.finetuned", true)) {
                // how the hybrid models without positions say so
                return traits.rotated(Traits.Rotated.NONE);
            }
            return reader.architecture.equals("granite_swa") ? windowed(reader, traits) : traits;
        }

        private static Traits windowed(ModelReader reader, Traits traits) {
            int[] rotated = reader.perLayerInt("attention.rope_pattern", 1);
            return traits.sinks(Traits.Presence.REQUIRED).windowsByFile().rotatedLayers(layer -> rotated[layer] != 0);
        }

        private static Traits miniCpm(ModelReader reader) {
            return Traits.adjacent()
                    .embeddingScale(reader.factor("embedding_scale", 12))
                    .residualScale(reader.factor("residual_scale", (float) (1.4 / Math.sqrt(reader.layerCount))))
                    .logits(1 / reader.factor("logit_scale", 256f / reader.hiddenSize), 0);
        }
    }
}
