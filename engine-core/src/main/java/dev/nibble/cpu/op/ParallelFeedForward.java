package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** A compiled pair of a dense layer and experts that both read the residual stream, each through its own norm. */
public final class ParallelFeedForward implements FeedForwardOp {
    private final FeedForward.Parallel config;
    private final DenseFeedForward dense;
    private final MixtureOfExperts experts;
    private final @Nullable Norm routerNorm;
    private final int hidden;

    public ParallelFeedForward(FeedForward.Parallel config, LinearFactory linears, Workspace workspace) {
        this.config = config;
        dense = new DenseFeedForward(config.dense(), linears, workspace);
        experts = new MixtureOfExperts(config.experts(), linears, workspace);
        hidden = config.expertsNorm().width();
        routerNorm = config.experts().routing().norm();
        workspace.reserve(Buffer.EXPERT_SUM, hidden);
        workspace.reserve(Input.ROUTED, hidden);
    }

    @Override
    public void run(Pass pass, float[] residual, MatmulInput input, float[] output) {
        dense.run(pass, residual, input, output);
        MatmulInput routerInput = input;
        if (routerNorm != null) {
            routerInput = pass.workspace.get(Input.ROUTED);
            RowNorm.applyToRows(pass, routerNorm, residual, routerInput.values(), hidden);
            routerInput.reset(pass.rows(), hidden);
        }
        float[] source =
                config.expertsSource() == FeedForward.Source.BLOCK ? pass.workspace.get(Buffer.BLOCK_INPUT) : residual;
        RowNorm.applyToRows(pass, config.expertsNorm(), source, input.values(), hidden);
        input.reset(pass.rows(), hidden);
        float[] expertOutput = pass.workspace.get(Buffer.EXPERT_SUM);
        experts.run(pass, residual, routerInput, input, expertOutput);
        RowNorm.applyToRows(pass, config.densePostNorm(), output, output, hidden);
        RowNorm.applyToRows(pass, config.expertsPostNorm(), expertOutput, expertOutput, hidden);
        pass.ops.add(expertOutput, 0, output, 0, pass.rows() * hidden);
    }
}
