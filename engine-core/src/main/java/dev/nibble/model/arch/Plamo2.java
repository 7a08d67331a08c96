package dev.nibble.model.arch;

import dev.nibble.model.Mixer;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** PLaMo 2: Mamba layers whose steps are shared by heads, and attention with a norm of each head's own; four norms a block. */
public final class Plamo2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("plamo2");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        MambaReader mambas = new MambaReader(reader);
        return new Decoder(reader, Traits.halves().headNorms().postNorms()) {
            @Override
            @Nullable Mixer mixer(int layer) {
                return attentions.kvHeadCounts[layer] > 0 ? super.mixer(layer) : mambas.readByHeads(layer);
            }
        };
    }
}
