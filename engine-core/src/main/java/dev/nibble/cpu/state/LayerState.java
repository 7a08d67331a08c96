package dev.nibble.cpu.state;

import dev.nibble.model.AttentionConfig;
import dev.nibble.model.ChannelMixConfig;
import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.Mamba2Config;
import dev.nibble.model.MambaConfig;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Rwkv6Config;
import dev.nibble.model.Rwkv7Config;
import dev.nibble.model.ShortConvolutionConfig;
import org.jspecify.annotations.Nullable;

/** What a sequence keeps for a layer. */
sealed interface LayerState {

    /** A KV cache; without keys where the values are the keys. */
    record Cache(int kvHeadCount, int keyDim, int valueDim, int window) implements LayerState {}

    /** The cache of an earlier layer. */
    record SharedCache(int layer) implements LayerState {}

    /** A {@link RecurrentState}, by its numbers of values. */
    record Recurrent(int convolution, int state) implements LayerState {}

    /** Both a cache and a recurrent state. */
    record Both(LayerState cache, LayerState recurrent) implements LayerState {}

    /** Nothing. */
    record None() implements LayerState {}

    static LayerState of(Model model, int layer) {
        return of(model.blocks().get(layer).mixer(), layer);
    }

    private static LayerState of(@Nullable Mixer mixer, int layer) {
        return switch (mixer) {
            case null -> new None();
            case Mixer.Linear linear -> new None();
            case Mixer.SideBySide both -> new Both(of(both.attention(), layer), of(both.recurrent(), layer));
            case AttentionConfig a ->
                a.kvLayer() == layer
                        ? new Cache(a.kvHeadCount(), a.headDim(), a.valueDim(), a.window())
                        : new SharedCache(a.kvLayer());
            // no keys: they are the values, which lie position by position
            case LatentAttentionConfig a -> new Cache(1, 0, a.cacheDim(), 0);
            case ShortConvolutionConfig c ->
                new Recurrent((c.kernelSize() - 1) * c.output().inputSize(), 0);
            case DeltaNetConfig d ->
                new Recurrent((d.kernelSize() - 1) * d.channels(), d.valueHeadCount() * d.stateSize() * d.stateSize());
            case MambaConfig s -> new Recurrent((s.kernelSize() - 1) * s.innerSize(), s.innerSize() * s.stateSize());
            case Rwkv6Config r -> new Recurrent(r.output().outputSize(), r.headCount() * r.headDim() * r.headDim());
            case Rwkv7Config r -> new Recurrent(r.output().outputSize(), r.headCount() * r.headDim() * r.headDim());
            case ChannelMixConfig c -> new Recurrent(c.value().outputSize(), 0);
            case Mamba2Config s -> new Recurrent((s.kernelSize() - 1) * s.channels(), s.innerSize() * s.stateSize());
        };
    }
}
