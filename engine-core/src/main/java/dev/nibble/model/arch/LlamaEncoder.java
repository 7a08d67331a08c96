package dev.nibble.model.arch;

import dev.nibble.model.Activation;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Model;
import dev.nibble.model.RopeConfig;
import java.util.List;

/** Encoders that are Llama but see later positions too: EuroBERT, NeoBERT and NVIDIA's embedding models. */
public final class LlamaEncoder implements Decoder.Family {
    private static final String NEO_BERT = "neo-bert";

    @Override
    public List<String> names() {
        return List.of("eurobert", "llama-embed", NEO_BERT);
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        RopeConfig.Style style =
                reader.architecture.equals("eurobert") ? RopeConfig.Style.HALVES : RopeConfig.Style.ADJACENT;
        return new Decoder(reader, style, Activation.SILU) {
            private final RopeConfig rope = ropes.read(attentions.headDim(0));

            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return attention.rope(rope).bidirectional();
            }

            @Override
            Model read() {
                return super.read().withPooling(Model.Pooling.MEAN);
            }

            @Override
            String outputNormName() {
                return reader.architecture.equals(NEO_BERT) ? "enc.output_norm" : super.outputNormName();
            }
        };
    }
}
