package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.FeedForward.Experts;
import dev.nibble.model.FeedForward.Routing;
import dev.nibble.model.FeedForward.Source;
import dev.nibble.model.Norm;
import org.jspecify.annotations.Nullable;

/** A compiled mixture of experts: the router, the experts, and the one that every row uses. */
public final class MixtureOfExperts implements FeedForwardOp {
    private final Routing routing;
    private final Linear router;
    private final ExpertBank experts;
    private final @Nullable Linear latentDown;
    private final @Nullable Norm latentNorm;
    private final @Nullable Linear latentUp;
    private final @Nullable DenseFeedForward shared;
    private final @Nullable Linear sharedGate;
    private final int hidden;

    public MixtureOfExperts(Experts config, LinearFactory linears, Workspace workspace) {
        routing = config.routing();
        router = linears.create(routing.router());
        experts = new ExpertBank(
                config.gate(),
                config.up(),
                config.down(),
                config.activation(),
                routing.used(),
                routing.scalesInput(),
                linears,
                workspace);
        shared = config.shared() == null ? null : new DenseFeedForward(config.shared(), linears, workspace);
        sharedGate = config.sharedGate() == null ? null : linears.create(config.sharedGate());
        Experts.Latent latent = config.latent();
        latentDown = latent == null ? null : linears.create(latent.down());
        latentNorm = latent == null ? null : latent.norm();
        latentUp = latent == null ? null : linears.create(latent.up());
        hidden = router.inputSize();
        workspace.reserve(Buffer.ROUTER, Math.max(router.outputSize(), 1));
        if (shared != null) {
            workspace.reserve(Buffer.SHARED_EXPERT, hidden);
            workspace.reserve(Buffer.SHARED_GATE, 1);
        }
        if (latentDown != null) {
            workspace.reserve(Input.EXPERT_INPUT, experts.width());
        }
        if (routing.source() == Source.BLOCK) {
            workspace.reserve(Input.ROUTED, hidden);
        }
    }

    @Override
    public void run(Pass pass, float[] residual, MatmulInput input, float[] output) {
        MatmulInput routed = input;
        if (routing.source() == Source.BLOCK) {
            routed = pass.workspace.get(Input.ROUTED);
            System.arraycopy(pass.workspace.get(Buffer.BLOCK_INPUT), 0, routed.values(), 0, pass.rows() * hidden);
            routed.reset(pass.rows(), hidden);
        }
        run(pass, residual, routed, input, output);
    }

    /** Likewise with another input for the router. */
    void run(Pass pass, float[] residual, MatmulInput routerInput, MatmulInput input, float[] output) {
        float[] logits = pass.workspace.get(Buffer.ROUTER);
        router.apply(pass.pool, routerInput, logits, 0, router.outputSize());
        ExpertRouter.of(pass).route(routing, logits, pass);
        runExperts(pass, input, output);
        if (shared != null) {
            addShared(pass, residual, input, output);
        }
    }

    private void runExperts(Pass pass, MatmulInput input, float[] output) {
        if (latentDown == null || latentUp == null) {
            experts.run(pass, ExpertRouter.of(pass), input.values(), output);
            return;
        }
        int width = experts.width();
        MatmulInput inner = pass.workspace.get(Input.EXPERT_INPUT);
        latentDown.apply(pass.pool, input, inner.values(), 0, width);
        MatmulInput result = pass.workspace.get(Input.EXPERT_RESULT);
        experts.run(pass, ExpertRouter.of(pass), inner.values(), result.values());
        if (latentNorm != null) {
            RowNorm.applyToRows(pass, latentNorm, result.values(), result.values(), width);
        }
        result.reset(pass.rows(), width);
        latentUp.apply(pass.pool, result, output, 0, hidden);
    }

    private void addShared(Pass pass, float[] residual, MatmulInput input, float[] output) {
        int rows = input.rows();
        float[] result = pass.workspace.get(Buffer.SHARED_EXPERT);
        if (shared != null) {
            shared.run(pass, residual, input, result);
        }
        float[] gates = pass.workspace.get(Buffer.SHARED_GATE);
        if (sharedGate != null) {
            sharedGate.apply(pass.pool, input, gates, 0, 1);
        }
        for (int row = 0; row < rows; row++) {
            float factor = sharedGate == null ? 1 : (float) (1 / (1 + Math.exp(-gates[row])));
            pass.ops.axpy(factor, result, row * hidden, output, row * hidden, hidden);
        }
    }
}
