package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** A compiled block whose parts are connected to several residual streams: each reads them, and changes them by what it returns. */
public final class ConnectedBlock implements BlockOp {
    private final BlockConfig config;
    private final int layer;
    private final int hidden;
    private final MixerOp mixer;
    private final FeedForwardOp feedForward;
    private final ConnectionOp ofMixer;
    private final ConnectionOp ofFeedForward;

    public ConnectedBlock(
            BlockConfig config,
            BlockConfig.Connections connections,
            int layer,
            int hidden,
            MixerOp mixer,
            FeedForwardOp feedForward,
            LinearFactory linears,
            Workspace workspace) {
        this.config = config;
        this.layer = layer;
        this.hidden = hidden;
        this.mixer = mixer;
        this.feedForward = feedForward;
        ofMixer = ConnectionOp.of(connections.mixer(), hidden, linears, workspace);
        ofFeedForward = ConnectionOp.of(connections.ffn(), hidden, linears, workspace);
    }

    @Override
    public void run(Pass pass) {
        float[] output = pass.workspace.get(Buffer.OUTPUT);
        MatmulInput input = read(pass, ofMixer, config.mixerNorm(), output);
        pass.observe("attn_norm", layer, input.values(), hidden);
        mixer.run(pass, input, output);
        pass.observe("attn_out", layer, output, hidden);
        ofMixer.write(pass, output);
        read(pass, ofFeedForward, config.ffnNorm(), output);
        pass.observe("ffn_norm", layer, input.values(), hidden);
        feedForward.run(pass, pass.workspace.get(Buffer.RESIDUAL), input, output);
        pass.observe("ffn_out", layer, output, hidden);
        ofFeedForward.write(pass, output);
    }

    private MatmulInput read(Pass pass, ConnectionOp connection, @Nullable Norm norm, float[] room) {
        MatmulInput input = pass.workspace.get(Input.HIDDEN);
        connection.read(pass, room);
        RowNorm.applyToRows(pass, norm, room, input.values(), hidden);
        input.reset(pass.rows(), hidden);
        return input;
    }
}
