package dev.nibble.benchmarks.operations;

import dev.nibble.cpu.KernelFamilies;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.op.Rope;
import dev.nibble.cpu.op.RowNorm;
import dev.nibble.cpu.scalar.ScalarOps;
import dev.nibble.model.Norm;
import dev.nibble.model.RopeConfig;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** RMS norm of one row, and rotation of the query heads of one row by its position. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(value = 1, jvmArgs = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // the fields are set before the benchmark runs
public class RowBenchmark {
    /** Elements of the row. */
    @Param("2048")
    public int width;

    private static final int HEAD_DIM = 64;
    private static final int POSITION = 1000;
    private static final RopeConfig ROTATION =
            new RopeConfig(RopeConfig.Style.HALVES, HEAD_DIM, 500_000, null, 1, null, 1);

    private final VectorOps scalar = new ScalarOps();
    private VectorOps ops;
    private Norm norm;
    private float[] in = {};
    private float[] out = {};
    private Rope rope;
    private float[] angles = {};

    /** Draws the row and the weights. */
    @Setup
    public void setUp() {
        ops = KernelFamilies.select().ops();
        Random random = new Random(1);
        in = new float[width];
        out = new float[width];
        float[] weight = new float[width];
        for (int i = 0; i < width; i++) {
            in[i] = (float) random.nextGaussian();
            weight[i] = (float) random.nextGaussian();
        }
        norm = Norm.rms(weight, 1e-5f);
        rope = new Rope(ROTATION, 0);
        angles = new float[rope.width()];
        rope.prepare(angles, 0, POSITION);
    }

    /** With the kernels of this process. */
    @Benchmark
    public float[] rmsNorm() {
        RowNorm.apply(ops, norm, in, 0, out, 0);
        return out;
    }

    /** In plain Java. */
    @Benchmark
    public float[] rmsNormOracle() {
        RowNorm.apply(scalar, norm, in, 0, out, 0);
        return out;
    }

    /** The angles of a position, once a token. */
    @Benchmark
    public float[] ropeAngles() {
        rope.prepare(angles, 0, POSITION);
        return angles;
    }

    /** The rotation, once a layer. */
    @Benchmark
    public float[] rope() {
        rope.apply(angles, 0, in, 0, width / HEAD_DIM, HEAD_DIM);
        return in;
    }

    /** Angles and rotation by the formula. */
    @Benchmark
    public float[] ropeOracle() {
        int pairs = HEAD_DIM / 2;
        for (int i = 0; i < width; i++) {
            int pair = i % HEAD_DIM;
            if (pair < pairs) {
                double angle = POSITION * Math.pow(ROTATION.theta(), -2.0 * pair / HEAD_DIM);
                float a = in[i];
                float b = in[i + pairs];
                out[i] = (float) (a * Math.cos(angle) - b * Math.sin(angle));
                out[i + pairs] = (float) (a * Math.sin(angle) + b * Math.cos(angle));
            }
        }
        return out;
    }
}
