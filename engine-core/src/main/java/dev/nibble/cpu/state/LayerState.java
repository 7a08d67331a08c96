package dev.nibble.cpu.state;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.ChannelMixConfig;
import dev.nibble.model.CrossAttentionConfig;
import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.LatentAttentionConfig;
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
 * @param parts a cache, a recurrent state, both or none
 */
record LayerState(List<Part> parts) {

    /** One thing that is kept. */
    sealed interface Part {}

    /** A KV cache; without keys where the values are the keys. */
    record Cache(int kvHeadCount, int keyDim, int valueDim, int window) implements Part {}

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
            case LatentAttentionConfig a -> List.of(new Cache(1, 0, a.cacheDim(), 0));
            case ShortConvolutionConfig c ->
                List.of(new Recurrent((c.kernelSize() - 1) * c.output().inputSize(), 0));
            case DeltaNetConfig d ->
                List.of(new Recurrent(
                        (d.kernelSize() - 1) * d.channels(), d.valueHeadCount() * d.stateSize() * d.stateSize()));
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

    private static List<Part> concat(List<Part> first, List<Part> second) {
        return Stream.concat(first.stream(), second.stream()).toList();
    }
}
