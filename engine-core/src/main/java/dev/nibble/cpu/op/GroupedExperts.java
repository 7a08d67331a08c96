package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.FeedForward;

/** Compiled experts whose sum small experts read, one for some of them each; routed once for both. */
public final class GroupedExperts implements FeedForwardOp {
    private final MixtureOfExperts experts;
    private final ExpertBank small;
    private final int perGroup;
    private final int used;
    private final int count;
    private final float scale;

    public GroupedExperts(FeedForward.Grouped config, LinearFactory linears, Workspace workspace) {
        experts = new MixtureOfExperts(config.experts(), linears, workspace);
        perGroup = config.perGroup();
        count = config.experts().up().size();
        used = Math.min(config.experts().routing().used(), config.up().size());
        scale = config.scale();
        small = new ExpertBank(
                config.gate(),
                config.up(),
                config.down(),
                config.experts().activation(),
                used,
                false,
                linears,
                workspace);
        workspace.reserve(Buffer.EXPERT_SUM, small.width());
    }

    @Override
    public void run(Pass pass, float[] residual, MatmulInput input, float[] output) {
        experts.run(pass, residual, input, output);
        ExpertRouter router = ExpertRouter.of(pass);
        router.routeGroups(pass.workspace.get(Buffer.ROUTER), pass.rows(), count, perGroup, used);
        float[] sums = pass.workspace.get(Buffer.EXPERT_SUM);
        small.run(pass, router, output, sums);
        pass.ops.axpy(scale, sums, 0, output, 0, pass.rows() * small.width());
    }
}
