package dev.nibble.cpu.state;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.ChannelMixConfig;
import dev.nibble.model.CompressedAttentionConfig;
import dev.nibble.model.CrossAttentionConfig;
import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.KeyBlocks;
import dev.nibble.model.KeyChoice;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.LightningConfig;
import dev.nibble.model.Mamba2Config;
import dev.nibble.model.MambaConfig;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Rwkv6Config;
import dev.nibble.model.Rwkv7Config;
import dev.nibble.model.ShortConvolutionConfig;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a sequence keeps for a layer.
 *
 * @param parts caches, a recurrent state, both or none
 */
record LayerState(List<Part> parts) {

    /** One thing that is kept. */
    sealed interface Part {}

    /**
     * A KV cache; without keys where the values are the keys.
     *
     * @param window positions that a query sees, 0 for all
     * @param spacing positions that a value stands for; a power of two
     */
    record Cache(int kvHeadCount, int keyDim, int valueDim, int window, int spacing) implements Part {
        /** A cache of each position. */
        Cache(int kvHeadCount, int keyDim, int valueDim, int window) {
            this(kvHeadCount, keyDim, valueDim, window, 1);
        }

        /** Values in a page. */
        int rowsOfPage() {
            return Math.max(1, KvTable.PAGE / spacing);
        }
    }

    /** The cache of an earlier layer. */
    record SharedCache(int layer) implements Part {}

    /** Keys and values of the encoder's states. */
    record Source(Cache sizes) implements Part {}

    /** A {@link RecurrentState}, by its numbers of values. */
    record Recurrent(int convolution, int state) implements Part {}

    static LayerState of(Model model, int layer) {
        return new LayerState(of(model.blocks().get(layer).mixer(), layer));
    }

    private static List<Part> of(@Nullable Mixer mixer, int layer) {
        return switch (mixer) {
            case null -> List.of();
            case Mixer.Linear linear -> List.of();
            case Mixer.SideBySide both -> concat(of(both.attention(), layer), of(both.recurrent(), layer));
            case AttentionConfig a ->
                List.of(
                        a.kvLayer() == layer
                                ? new Cache(a.kvHeadCount(), a.headDim(), a.valueDim(), a.window())
                                : new SharedCache(a.kvLayer()));
            case CrossAttentionConfig c -> List.of(new Source(new Cache(c.headCount(), c.headDim(), c.valueDim(), 0)));
            // no keys: they are the values, which lie position by position
            case LatentAttentionConfig a ->
                concat(List.of(new Cache(1, 0, a.cacheDim(), a.window())), indexKeys(a.indexer()));
            case CompressedAttentionConfig a -> {
                List<Part> own = List.of(new Cache(1, 0, a.headDim(), a.window()));
                List<Part> ofBlocks = a.blocks() == null ? List.of() : blockKeys(a.blocks());
                yield concat(concat(own, ofBlocks), indexKeys(a.indexer()));
            }
            case ShortConvolutionConfig c ->
                List.of(new Recurrent((c.kernelSize() - 1) * c.output().inputSize(), 0));
            case DeltaNetConfig d ->
                List.of(new Recurrent(
                        (d.kernelSize() - 1) * d.channels(), d.valueHeadCount() * d.stateSize() * d.stateSize()));
            case LightningConfig l -> List.of(new Recurrent(0, l.headCount() * l.headDim() * l.headDim()));
            case MambaConfig s ->
                List.of(new Recurrent((s.kernelSize() - 1) * s.innerSize(), s.innerSize() * s.stateSize()));
            case Rwkv6Config r ->
                List.of(new Recurrent(r.output().outputSize(), r.headCount() * r.headDim() * r.headDim()));
            case Rwkv7Config r ->
                List.of(new Recurrent(r.output().outputSize(), r.headCount() * r.headDim() * r.headDim()));
            case ChannelMixConfig c -> List.of(new Recurrent(c.value().outputSize(), 0));
            case Mamba2Config s ->
                List.of(new Recurrent((s.kernelSize() - 1) * s.channels(), s.innerSize() * s.stateSize()));
        };
    }

    private static List<Part> indexKeys(KeyChoice.@Nullable Indexer indexer) {
        return switch (indexer == null ? null : indexer.rated()) {
            case null -> List.of();
            case KeyChoice.Rated.Positions positions -> List.of(new Cache(1, 0, positions.keyDim(), 0));
            case KeyChoice.Rated.Blocks of -> blockKeys(of.blocks());
        };
    }

    /** The keys of blocks, and what they are made from. */
    private static List<Part> blockKeys(KeyBlocks blocks) {
        return List.of(
                new Cache(1, 0, blocks.keyDim(), 0, blocks.size()),
                new Cache(1, 0, 2 * blocks.width(), blocks.reach()));
    }

    private static List<Part> concat(List<Part> first, List<Part> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
