package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;

/** Two compiled mixers that read the same input, and whose results are added. */
public final class SideBySide implements MixerOp {
    private final MixerOp first;
    private final MixerOp second;
    private final int hidden;

    public SideBySide(MixerOp first, MixerOp second, int hidden, Workspace workspace) {
        this.first = first;
        this.second = second;
        this.hidden = hidden;
        workspace.reserve(Buffer.SECOND_OUTPUT, hidden);
    }

    @Override
    public void run(Pass pass, MatmulInput input, float[] output) {
        first.run(pass, input, output);
        float[] other = pass.workspace.get(Buffer.SECOND_OUTPUT);
        second.run(pass, input, other);
        pass.ops.add(other, 0, output, 0, pass.rows() * hidden);
    }
}
