package dev.nibble.cpu;

import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.op.AltUpBlock;
import dev.nibble.cpu.op.Attention;
import dev.nibble.cpu.op.Block;
import dev.nibble.cpu.op.BlockOp;
import dev.nibble.cpu.op.ChannelMix;
import dev.nibble.cpu.op.CompressedAttention;
import dev.nibble.cpu.op.ConnectedBlock;
import dev.nibble.cpu.op.CrossAttention;
import dev.nibble.cpu.op.DeltaNet;
import dev.nibble.cpu.op.DenseFeedForward;
import dev.nibble.cpu.op.FeedForwardOp;
import dev.nibble.cpu.op.GroupedExperts;
import dev.nibble.cpu.op.LatentAttention;
import dev.nibble.cpu.op.LightningAttention;
import dev.nibble.cpu.op.LinearMixer;
import dev.nibble.cpu.op.Mamba;
import dev.nibble.cpu.op.Mamba2;
import dev.nibble.cpu.op.MixerOp;
import dev.nibble.cpu.op.MixtureOfExperts;
import dev.nibble.cpu.op.ParallelFeedForward;
import dev.nibble.cpu.op.PerLayerInput;
import dev.nibble.cpu.op.Rope;
import dev.nibble.cpu.op.Rwkv6;
import dev.nibble.cpu.op.Rwkv7;
import dev.nibble.cpu.op.ShortConvolution;
import dev.nibble.cpu.op.SideBySide;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.ChannelMixConfig;
import dev.nibble.model.CompressedAttentionConfig;
import dev.nibble.model.CrossAttentionConfig;
import dev.nibble.model.DeltaNetConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.LatentAttentionConfig;
import dev.nibble.model.LightningConfig;
import dev.nibble.model.Mamba2Config;
import dev.nibble.model.MambaConfig;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.RopeConfig;
import dev.nibble.model.Rwkv6Config;
import dev.nibble.model.Rwkv7Config;
import dev.nibble.model.ShortConvolutionConfig;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Turns the blocks of a model into operations; layers with the same rotation share its tables. */
final class BlockCompiler {
    private final Model model;
    private final LinearFactory linears;
    private final Workspace workspace;
    private int angles; // of a row, for all rotations so far
    private final List<CrossAttention> crossAttentions = new ArrayList<>();
    private final IdentityHashMap<RopeConfig, Rope> ropes = new IdentityHashMap<>();

    BlockCompiler(Model model, LinearFactory linears, Workspace workspace) {
        this.model = model;
        this.linears = linears;
        this.workspace = workspace;
    }

    List<BlockOp> compile() {
        List<BlockOp> blocks = new ArrayList<>();
        for (int layer = 0; layer < model.blocks().size(); layer++) {
            blocks.add(block(model.blocks().get(layer), layer));
        }
        return blocks;
    }

    private BlockOp block(BlockConfig config, int layer) {
        int hidden = model.config().hiddenSize();
        @Nullable MixerOp mixer = config.mixer() == null ? null : mixer(config.mixer(), layer);
        @Nullable FeedForwardOp feedForward = config.ffn() == null ? null : feedForward(config.ffn());
        if (config.connections() != null) {
            if (mixer == null || feedForward == null) {
                throw new IllegalArgumentException("a block that is connected to several streams needs both parts");
            }
            return new ConnectedBlock(
                    config, config.connections(), layer, hidden, mixer, feedForward, linears, workspace);
        }
        BlockConfig.PerLayerInput input = config.perLayerInput();
        @Nullable PerLayerInput perLayerInput = input == null
                ? null
                : new PerLayerInput(input, layer, model.blocks().size(), linears, workspace);
        BlockConfig.AltUp altUp = config.altUp();
        if (altUp == null) {
            return new Block(config, layer, hidden, mixer, feedForward, perLayerInput, workspace);
        }
        if (mixer == null
                || feedForward == null
                || perLayerInput == null
                || !(model.embeddingInput() instanceof Model.EmbeddingInput.PerLayer embedding)
                || embedding.streams() == null) {
            throw new IllegalArgumentException("a block with AltUp needs both parts, per-layer inputs and streams");
        }
        return new AltUpBlock(
                config, altUp, layer, embedding.streams(), mixer, feedForward, perLayerInput, linears, workspace);
    }

    /** The rotations the blocks use. */
    List<Rope> ropes() {
        return List.copyOf(ropes.values());
    }

    /** The blocks' mixers that read the source. */
    List<CrossAttention> crossAttentions() {
        return List.copyOf(crossAttentions);
    }

    private MixerOp mixer(Mixer mixer, int layer) {
        return switch (mixer) {
            case AttentionConfig attention ->
                new Attention(attention, layer, rope(attention.rope()), linears, workspace);
            case CrossAttentionConfig cross -> {
                CrossAttention compiled = new CrossAttention(cross, layer, linears, workspace);
                crossAttentions.add(compiled);
                yield compiled;
            }
            case LatentAttentionConfig latent ->
                new LatentAttention(latent, layer, rope(latent.rope()), this::sharedRope, linears, workspace);
            case CompressedAttentionConfig compressed ->
                new CompressedAttention(compressed, layer, this::sharedRope, linears, workspace);
            case ShortConvolutionConfig convolution -> new ShortConvolution(convolution, layer, linears, workspace);
            case DeltaNetConfig deltaNet -> new DeltaNet(deltaNet, layer, linears, workspace);
            case LightningConfig lightning -> new LightningAttention(lightning, layer, linears, workspace);
            case MambaConfig mamba -> new Mamba(mamba, layer, linears, workspace);
            case Rwkv6Config rwkv -> new Rwkv6(rwkv, layer, linears, workspace);
            case Rwkv7Config rwkv -> new Rwkv7(rwkv, layer, linears, workspace);
            case ChannelMixConfig channelMix -> new ChannelMix(channelMix, layer, linears, workspace);
            case Mamba2Config mamba -> new Mamba2(mamba, layer, linears, workspace);
            case Mixer.Linear linear -> new LinearMixer(linears.create(linear.map()));
            case Mixer.SideBySide both ->
                new SideBySide(
                        mixer(both.attention(), layer),
                        mixer(both.recurrent(), layer),
                        model.config().hiddenSize(),
                        workspace);
        };
    }

    private FeedForwardOp feedForward(FeedForward config) {
        return switch (config) {
            case FeedForward.Dense dense -> new DenseFeedForward(dense, linears, workspace);
            case FeedForward.Experts experts -> new MixtureOfExperts(experts, linears, workspace);
            case FeedForward.Grouped grouped -> new GroupedExperts(grouped, linears, workspace);
            case FeedForward.Parallel parallel -> new ParallelFeedForward(parallel, linears, workspace);
        };
    }

    private @Nullable Rope rope(@Nullable RopeConfig config) {
        return config == null ? null : sharedRope(config);
    }

    private Rope sharedRope(RopeConfig config) {
        return ropes.computeIfAbsent(config, newConfig -> {
            Rope rope = new Rope(newConfig, angles);
            angles += rope.width();
            workspace.reserve(Buffer.ANGLES, angles);
            return rope;
        });
    }
}
