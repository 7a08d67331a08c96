package dev.nibble.model.arch;

import static dev.nibble.model.arch.ModelReader.block;

import dev.nibble.model.Activation;
import dev.nibble.model.Architecture;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Mixer;
import dev.nibble.model.Model;
import dev.nibble.model.Model.EmbeddingInput;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Norm;
import dev.nibble.model.PredictionBlock;
import dev.nibble.model.RopeConfig;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What decoder-only transformers have in common, and what many of them do otherwise, by {@link Traits}. What only one
 * architecture does, it overrides.
 *
 * <p>An instance reads one model; {@link Family} makes one for each file.
 */
class Decoder {

    /** Makes an instance for a file. */
    interface Family extends Architecture {

        Decoder decoder(ModelReader reader);

        @Override
        default Model read(ModelSource source, int contextLength) {
            ModelReader reader = new ModelReader(source, contextLength);
            Model model = decoder(reader).read();
            reader.checkLeftovers();
            return model;
        }
    }

    final ModelReader reader;
    final Traits traits;
    final AttentionReader attentions;
    final RopeReader ropes;
    final FeedForwardReader feedForwards;
    final RotationReader rotations;

    Decoder(ModelReader reader, Traits traits) {
        this.reader = reader;
        this.traits = traits;
        attentions = new AttentionReader(reader);
        ropes = new RopeReader(reader, traits.ropeStyle);
        feedForwards = new FeedForwardReader(reader, traits.activation, traits.gated);
        rotations = new RotationReader(reader, traits, attentions, ropes);
    }

    Decoder(ModelReader reader, RopeConfig.Style ropeStyle, Activation activation) {
        this(
                reader,
                (ropeStyle == RopeConfig.Style.HALVES ? Traits.halves() : Traits.adjacent()).activation(activation));
    }

    Model read() {
        List<BlockConfig> blocks = blocks();
        EmbeddingInput input = traits.inputNorm || traits.positions ? embeddingInput() : null;
        Model model = Model.generating(
                        reader.config(blocks.size(), embeddingScale(), logitScale(), logitSoftcap()),
                        reader.tokenEmbedding,
                        blocks,
                        outputNorm(),
                        reader.outputOrTied())
                .withPredictionBlocks(predictionBlocks());
        return input == null ? model : model.withEmbeddingInput(input);
    }

    /** The blocks in the order they run. */
    List<BlockConfig> blocks() {
        List<BlockConfig> blocks = new ArrayList<>();
        for (int layer = 0; layer < reader.layerCount; layer++) {
            blocks.add(blockConfig(layer));
        }
        return blocks;
    }

    private List<PredictionBlock> predictionBlocks() {
        List<PredictionBlock> blocks = new ArrayList<>();
        for (int index = reader.layerCount; index < reader.blockCount; index++) {
            blocks.add(predictionBlock(index));
        }
        return blocks;
    }

    private PredictionBlock predictionBlock(int index) {
        int hidden = reader.hiddenSize;
        String prefix = block(index, Leftovers.PREDICTION);
        String embedding = prefix + "embed_tokens.weight";
        // Two names for the same norm; there are files that have it twice.
        String norm = prefix + "shared_head_norm";
        String otherNorm = block(index, "layer_output_norm");
        reader.passOver(otherNorm + ".weight");
        String outputNorm = reader.hasTensor(norm + ".weight") ? norm : otherNorm;
        return new PredictionBlock(
                reader.hasTensor(embedding) ? reader.tensor(embedding, hidden, reader.vocabSize) : null,
                norm(prefix + "enorm", hidden),
                norm(prefix + "hnorm", hidden),
                reader.projection(prefix + "eh_proj", 2L * hidden, hidden),
                predictionLayer(index),
                reader.hasTensor(outputNorm + ".weight") ? norm(outputNorm, hidden) : null,
                reader.optionalProjection(prefix + "shared_head_head", hidden, reader.vocabSize),
                traits.predictsFromNormed);
    }

    /** The transformer block of a block that predicts. */
    BlockConfig predictionLayer(int index) {
        return blockConfig(index);
    }

    private EmbeddingInput embeddingInput() {
        String name = "position_embd.weight";
        Tensor positions = traits.positions && reader.hasTensor(name)
                ? reader.tensor(name, reader.hiddenSize, reader.contextLength)
                : null;
        if (positions != null) {
            reader.limitContext(reader.contextLength);
        }
        return new EmbeddingInput.PositionsAndTypes(positions, null, traits.inputNorm ? inputNorm() : null);
    }

    /** The norm of the embeddings. */
    Norm inputNorm() {
        return norm("token_embd_norm", reader.hiddenSize);
    }

    @Nullable Norm outputNorm() {
        return norm(outputNormName(), reader.hiddenSize);
    }

    /** A norm of the kind that this architecture has. */
    final Norm norm(String name, long size) {
        return traits.unweighted
                ? Norm.unweighted((int) size, reader.epsilon(traits.normKind), traits.normKind)
                : reader.norm(name, size, traits.normKind);
    }

    private @Nullable Norm blockNorm(int layer, @Nullable String name) {
        return name == null ? null : norm(block(layer, name), reader.hiddenSize);
    }

    BlockConfig blockConfig(int layer) {
        Mixer mixer = mixer(layer);
        FeedForward feedForward = feedForward(layer);
        Norm mixerNorm = mixer != null && traits.preNorms ? mixerNorm(layer) : null;
        BlockConfig.Builder block = BlockConfig.builder()
                .mixer(mixerNorm, mixer)
                .feedForward(feedForward != null && traits.preNorms ? ffnNorm(layer, mixerNorm) : null, feedForward)
                .postNorms(
                        mixer == null ? null : blockNorm(layer, traits.mixerPostNormName),
                        feedForward == null ? null : blockNorm(layer, traits.ffnPostNormName))
                .scales(traits.residualScale, 1);
        return (traits.parallel ? block.parallel() : block).build();
    }

    @Nullable Norm mixerNorm(int layer) {
        return blockNorm(layer, traits.mixerNormName);
    }

    /** The norm before the feed-forward layer; in a parallel block that has none of its own, that before the mixer. */
    @Nullable Norm ffnNorm(int layer, @Nullable Norm mixerNorm) {
        boolean own = !traits.parallel || reader.hasTensor(block(layer, traits.ffnNormName + ".weight"));
        return own ? blockNorm(layer, traits.ffnNormName) : mixerNorm;
    }

    @Nullable Mixer mixer(int layer) {
        return attention(attentions.read(layer)).build();
    }

    /** Sets what this architecture's attention has beside the projections. */
    AttentionConfig.Builder attention(AttentionConfig.Builder attention) {
        int layer = attention.layer();
        attention.rope(rotations.rope(layer)).window(rotations.window(layer));
        if (traits.headNorms != Traits.Presence.ABSENT) {
            attention.norms(
                    headNorm(layer, "attn_q_norm", attentions.headCounts[layer]),
                    headNorm(layer, "attn_k_norm", attentions.kvHeadCounts[layer]));
        }
        if (traits.normsAfterRope) {
            attention.normsAfterRope();
        }
        if (traits.alibi > 0) {
            attention.alibi(traits.alibi);
        }
        if (traits.clamped) {
            attention.clamp(reader.nonNegativeFloat("attention.clamp_kqv", 0));
        }
        if (traits.sinks != Traits.Presence.ABSENT) {
            String name = block(layer, "attn_sinks.weight");
            boolean there = traits.sinks == Traits.Presence.REQUIRED || reader.hasTensor(name);
            attention.sinks(there ? reader.vector(name, attentions.headCounts[layer]) : null);
        }
        if (traits.gate != null) {
            attention.gate(attentions.gate(layer, traits.gate));
        }
        return traits.attentionScale == 0 ? attention : attention.scale(traits.attentionScale);
    }

    /** A norm of heads: over each with the same weights, over each with weights of its own, or over their whole width. */
    private @Nullable Norm headNorm(int layer, String name, int heads) {
        String tensor = block(layer, name);
        if (traits.headNorms == Traits.Presence.OPTIONAL && !reader.hasTensor(tensor + ".weight")) {
            return null;
        }
        int headDim = attentions.headDim(layer);
        return reader.headNorm(tensor, headDim, heads, traits.normKind);
    }

    @Nullable FeedForward feedForward(int layer) {
        if (traits.experts == null || feedForwards.isDense(layer)) {
            return traits.sizeDivisor == 1
                    ? feedForwards.dense(layer)
                    : feedForwards.dense(layer, feedForwards.size(layer) / traits.sizeDivisor);
        }
        return experts(layer);
    }

    /** The experts of a layer, with what all positions use. */
    FeedForward.Experts experts(int layer) {
        return experts(layer, reader.hiddenSize);
    }

    /**
     * Likewise.
     *
     * @param width elements that the experts read and return
     */
    final FeedForward.Experts experts(int layer, int width) {
        Traits.ExpertChoice choice = traits.experts;
        if (choice == null) {
            throw new IllegalStateException("the architecture " + reader.architecture + " has no experts");
        }
        FeedForward.Experts experts = feedForwards.experts(
                layer,
                width,
                feedForwards.expertSize(layer),
                choice.byFile() ? feedForwards.gating(choice.gating()) : choice.gating(),
                choice.byFile() ? reader.flag("expert_weights_norm", choice.normalize()) : choice.normalize());
        return traits.shared ? feedForwards.withShared(layer, experts) : experts;
    }

    float embeddingScale() {
        return traits.embeddingScale;
    }

    float logitScale() {
        return traits.logitScale;
    }

    float logitSoftcap() {
        return traits.logitSoftcap;
    }

    String outputNormName() {
        return "output_norm";
    }
}
