package dev.nibble.model.arch;

import dev.nibble.model.Mixer;
import java.util.List;

/** Falcon-H1: attention and Mamba-2 side by side in every layer. */
public final class FalconH1 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("falcon-h1");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.halves()) {
            @Override
            Mixer mixer(int layer) {
                return new Mixer.SideBySide(
                        attention(attentions.read(layer)).build(), Mamba2Reader.read(reader, layer, true));
            }
        };
    }
}
