package dev.nibble.cpu.op;

import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.Connection;
import java.util.Arrays;

/** Compiled hyper-connections; the formulas stand at {@link Connection.Hyper}. Rows are independent. */
final class HyperConnection implements ConnectionOp {
    private final Connection.Hyper config;
    private final Linear map;
    private final int hidden;
    private final int streams;
    private final int weights;
    private final Pass.Job normJob = this::normalize;
    private final Pass.Job readJob = this::readRows;
    private final Pass.Job writeJob = this::writeRows;

    HyperConnection(Connection.Hyper config, int hidden, LinearFactory linears, Workspace workspace) {
        this.config = config;
        this.hidden = hidden;
        map = linears.create(config.map());
        streams = config.streams();
        weights = map.outputSize();
        workspace.reserve(Buffer.STREAMS, (long) streams * hidden);
        workspace.reserve(Buffer.CONNECTION, weights);
        workspace.reserve(Input.CONNECTED, (long) streams * hidden);
    }

    @Override
    public void read(Pass pass, float[] out) {
        MatmulInput input = pass.workspace.get(Input.CONNECTED);
        pass.forEach(pass.rows(), pass.rowGrain(), normJob);
        input.reset(pass.rows(), streams * hidden);
        map.apply(pass.pool, input, pass.workspace.get(Buffer.CONNECTION), 0, weights);
        pass.bind(input, out);
        pass.forEach(pass.rows(), pass.rowGrain(), readJob);
    }

    @Override
    public void write(Pass pass, float[] returned) {
        pass.bind(pass.workspace.get(Input.CONNECTED), returned);
        pass.forEach(pass.rows(), pass.rowGrain(), writeJob);
    }

    private void normalize(Pass pass, int worker, int from, int to) {
        float[] all = pass.workspace.get(Buffer.STREAMS);
        float[] normal = pass.workspace.get(Input.CONNECTED).values();
        int width = streams * hidden;
        for (int at = from * width; at < to * width; at += width) {
            float factor = RowNorm.rmsFactor(pass.ops, all, at, width, config.normEpsilon());
            System.arraycopy(all, at, normal, at, width);
            pass.ops.scale(normal, at, width, factor);
        }
    }

    private void readRows(Pass pass, int worker, int from, int to) {
        float[] all = pass.workspace.get(Buffer.STREAMS);
        float[] factors = pass.workspace.get(Buffer.CONNECTION);
        float[] out = pass.output();
        for (int row = from; row < to; row++) {
            weigh(factors, row * weights);
            int at = row * hidden;
            Arrays.fill(out, at, at + hidden, 0);
            for (int i = 0; i < streams; i++) {
                pass.ops.axpy(factors[row * weights + i], all, (row * streams + i) * hidden, out, at, hidden);
            }
        }
    }

    /** Makes the weights of what the map returned. */
    private void weigh(float[] m, int at) {
        for (int i = 0; i < weights; i++) {
            m[at + i] = m[at + i] * config.scale()[Math.min(i / streams, 2)] + config.base()[i];
        }
        for (int i = 0; i < streams; i++) {
            m[at + i] = sigmoid(m[at + i]) + config.epsilon();
        }
        for (int i = streams; i < Math.min(weights, 2 * streams); i++) {
            m[at + i] = config.magnitude() * sigmoid(m[at + i]) + config.postEpsilon();
        }
        if (config.rounds() > 0) {
            balance(m, at + 2 * streams);
        }
    }

    /** Makes the sums of the rows and columns of C about 1. */
    private void balance(float[] c, int at) {
        for (int row = at; row < at + streams * streams; row += streams) {
            softmax(c, row);
        }
        divide(c, at, 1, streams);
        for (int round = 1; round < config.rounds(); round++) {
            divide(c, at, streams, 1);
            divide(c, at, 1, streams);
        }
    }

    private void softmax(float[] c, int row) {
        float max = Float.NEGATIVE_INFINITY;
        for (int i = row; i < row + streams; i++) {
            max = Math.max(max, c[i]);
        }
        double sum = 0;
        for (int i = row; i < row + streams; i++) {
            c[i] = (float) Math.exp(c[i] - max);
            sum += c[i];
        }
        for (int i = row; i < row + streams; i++) {
            c[i] = (float) (c[i] / sum) + config.epsilon();
        }
    }

    /** Divides each row, or column, by its sum. */
    private void divide(float[] c, int at, int lineStride, int stride) {
        for (int line = 0; line < streams; line++) {
            int first = at + line * lineStride;
            float sum = config.epsilon();
            for (int i = 0; i < streams; i++) {
                sum += c[first + i * stride];
            }
            for (int i = 0; i < streams; i++) {
                c[first + i * stride] /= sum;
            }
        }
    }

    private void writeRows(Pass pass, int worker, int from, int to) {
        float[] all = pass.workspace.get(Buffer.STREAMS);
        float[] factors = pass.workspace.get(Buffer.CONNECTION);
        float[] returned = pass.output();
        float[] before = pass.workspace.get(Input.CONNECTED).values(); // room for a row's streams
        int width = streams * hidden;
        for (int row = from; row < to; row++) {
            int first = row * width;
            if (config.rounds() > 0) {
                System.arraycopy(all, first, before, first, width);
                Arrays.fill(all, first, first + width, 0);
            }
            for (int target = 0; target < streams; target++) {
                int at = first + target * hidden;
                for (int source = 0; config.rounds() > 0 && source < streams; source++) {
                    float share = factors[row * weights + (2 + source) * streams + target];
                    pass.ops.axpy(share, before, first + source * hidden, all, at, hidden);
                }
                pass.ops.axpy(factors[row * weights + streams + target], returned, row * hidden, all, at, hidden);
            }
        }
    }

    private static float sigmoid(float x) {
        return (float) (1 / (1 + Math.exp(-x)));
    }
}
