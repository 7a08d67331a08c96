package dev.nibble.model.arch;

import static dev.nibble.model.FeedForward.Routing.Gating.SIGMOID;

import dev.nibble.model.AttentionConfig;
import java.util.List;

/** MiMo V2: keys and values of different lengths, sinks on windowed layers, a factor of what the attention returns. */
public final class Mimo2 implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("mimo2");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(
                reader,
                Traits.halves()
                        .windowsByFile()
                        .predictsFromPlain()
                        .sinks(Traits.Presence.OPTIONAL)
                        .experts(SIGMOID, true)) {
            @Override
            AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
                return super.attention(attention).scaleOutput(reader.factor("attention.value_scale", 1));
            }
        };
    }
}
