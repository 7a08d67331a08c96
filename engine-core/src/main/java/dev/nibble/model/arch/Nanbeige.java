package dev.nibble.model.arch;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/** Nanbeige: a Llama whose layers run several times, each time with keys and values of their own. */
public final class Nanbeige implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("nanbeige");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new Decoder(reader, Traits.adjacent()) {
            @Override
            List<BlockConfig> blocks() {
                List<BlockConfig> once = super.blocks();
                int rounds = reader.positive("num_loops", 1);
                boolean plain = reader.flag("skip_loop_final_norm", false);
                List<BlockConfig> blocks = new ArrayList<>(once);
                for (int round = 1; round < rounds; round++) {
                    int last = blocks.size() - 1;
                    if (!plain) {
                        blocks.set(
                                last,
                                blocks.get(last).with().outputNorm(outputNorm()).build());
                    }
                    for (BlockConfig block : once) {
                        AttentionConfig attention = (AttentionConfig) Objects.requireNonNull(block.mixer());
                        blocks.add(block.with()
                                .mixer(block.mixerNorm(), attention.withKvLayer(blocks.size()))
                                .build());
                    }
                }
                return blocks;
            }
        };
    }
}
