package dev.nibble.model.arch;

import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Mamba-2 alone, as Codestral Mamba: no attention, no feed-forward layers. */
public final class Mamba2Decoder implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("mamba2");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.unrotated()) {
            @Override
            Mixer mixer(int layer) {
                return Mamba2Reader.read(reader, layer, false);
            }

            @Override
            @Nullable FeedForward feedForward(int layer) {
                return null;
            }
        };
    }
}
