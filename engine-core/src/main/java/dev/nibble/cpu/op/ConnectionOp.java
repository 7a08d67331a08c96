package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.model.Connection;

/** A compiled connection to the residual streams, which lie in {@link Buffer#STREAMS}, [rows, streams, hidden]. */
interface ConnectionOp {

    /** Makes of the streams what the part reads: [rows, hidden]. */
    void read(Pass pass, float[] out);

    /** Changes the streams by what the part returned, [rows, hidden]; after {@link #read}. */
    void write(Pass pass, float[] returned);

    static ConnectionOp of(Connection config, int hidden, LinearFactory linears, Workspace workspace) {
        return switch (config) {
            case Connection.Hyper hyper -> new HyperConnection(hyper, hidden, linears, workspace);
            case Connection.Mean mean -> new MeanOfStreams(mean.streams(), hidden);
            case Connection.Kept kept -> new KeptStates(kept, hidden, workspace);
        };
    }

    /** The mean of the streams, which nothing changes any more. */
    record MeanOfStreams(int streams, int hidden) implements ConnectionOp {
        @Override
        public void read(Pass pass, float[] out) {
            float[] all = pass.workspace.get(Buffer.STREAMS);
            for (int row = 0; row < pass.rows(); row++) {
                int at = row * hidden;
                System.arraycopy(all, at * streams, out, at, hidden);
                for (int i = 1; i < streams; i++) {
                    pass.ops.add(all, at * streams + i * hidden, out, at, hidden);
                }
                pass.ops.scale(out, at, hidden, 1f / streams);
            }
        }

        @Override
        public void write(Pass pass, float[] returned) {
            throw new UnsupportedOperationException("the mean of the streams is only read");
        }
    }
}
