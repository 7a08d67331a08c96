package dev.nibble.model.arch;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;
import dev.nibble.model.Model.EmbeddingInput;
import dev.nibble.model.Norm;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * HRM-Text: two states that two stacks of layers compute by turns, in cycles within cycles; every run of a layer has keys and
 * values of its own. Norms have no weights.
 */
public final class HrmText implements Decoder.Family {

    @Override
    public List<String> names() {
        return List.of("hrm_text");
    }

    @Override
    public Decoder decoder(ModelReader reader) {
        return new HrmDecoder(reader);
    }

    private static final class HrmDecoder extends Decoder {
        private final int stackSize;
        private final int cycles;
        private final int innerCycles;

        HrmDecoder(ModelReader reader) {
            super(
                    reader,
                    Traits.halves()
                            .unweightedNorms()
                            .gate(AttentionConfig.Gate.Function.SIGMOID)
                            .embeddingScale(reader.factor("embedding_scale", 1)));
            stackSize = reader.positive("hrm.layers_per_stack");
            cycles = reader.positive("hrm.h_cycles");
            innerCycles = reader.positive("hrm.l_cycles");
            long runs = (long) stackSize * cycles * (innerCycles + 1L);
            if (runs != reader.layerCount || runs < 2L * stackSize) {
                throw reader.metadata.failure(
                        reader.key("block_count"),
                        "expected " + runs + ", the runs of " + stackSize + " layers in " + cycles + " cycles of "
                                + innerCycles + " and one, found " + reader.layerCount);
            }
        }

        @Override
        List<BlockConfig> blocks() {
            List<BlockConfig> once = new ArrayList<>();
            for (int layer = 0; layer < 2 * stackSize; layer++) {
                once.add(blockConfig(layer));
            }
            List<BlockConfig> blocks = new ArrayList<>();
            for (int cycle = 0; cycle < cycles; cycle++) {
                for (int inner = 0; inner < innerCycles; inner++) {
                    addStack(blocks, once.subList(0, stackSize), new BlockConfig.Turn(true, false));
                }
                boolean last = cycle == cycles - 1;
                addStack(blocks, once.subList(stackSize, 2 * stackSize), new BlockConfig.Turn(false, last));
            }
            return blocks;
        }

        private void addStack(List<BlockConfig> blocks, List<BlockConfig> stack, BlockConfig.Turn turn) {
            for (BlockConfig block : stack) {
                AttentionConfig attention = (AttentionConfig) Objects.requireNonNull(block.mixer());
                blocks.add(block.with()
                        .mixer(block.mixerNorm(), attention.withKvLayer(blocks.size()))
                        .build());
            }
            Norm norm = norm("", reader.hiddenSize);
            int last = blocks.size() - 1;
            blocks.set(last, blocks.get(last).with().outputNorm(norm).turn(turn).build());
        }

        @Override
        Model read() {
            return super.read()
                    .withEmbeddingInput(new EmbeddingInput.States(reader.vector("hrm.z_l_init", reader.hiddenSize)));
        }

        @Override
        @Nullable Norm outputNorm() {
            return null;
        }
    }
}
