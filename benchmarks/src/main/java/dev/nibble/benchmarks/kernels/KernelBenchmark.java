package dev.nibble.benchmarks.kernels;

import dev.nibble.ActivationType;
import dev.nibble.LoadOptions;
import dev.nibble.cpu.KernelFamilies;
import dev.nibble.cpu.kernel.KernelSettings;
import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.AuxCounters;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One matrix multiplication of each tensor type: {@code inputs} 1 is decoding, many are a prompt. The counters are
 * multiply-adds and bytes of weights a second.
 *
 * <pre>
 * mvn -pl benchmarks -am package -DskipTests
 * java -jar benchmarks/target/nibble-benchmarks.jar KernelBenchmark -p dtype=Q4_0,Q8_0 -p inputs=1,256 -p threads=2
 * </pre>
 *
 * <p>Exact kernels, on the weights as they are in the file: {@code -p activations=F32}; the scalar ones: {@code -p kernels=scalar}; machine
 * code: {@code -p kernels=machine -jvmArgsAppend --enable-native-access=ALL-UNNAMED}. Another width: {@code -jvmArgsAppend -Dnibble.vector.bits=256};
 * what a processor without AVX-512 does: {@code -jvmArgsAppend -XX:UseAVX=2}. A kernel that allocates ({@code -prof gc}
 * shows more than a few bytes an operation) was not compiled as a whole: its vectors are boxed.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgs = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 5, time = 2)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // the fields are set before the benchmark runs
public class KernelBenchmark {
    /** Kernel family. */
    @Param("vector")
    public String kernels = "";

    /** Whether kernels may round the input, as is the default; the oracle does not. */
    @Param("Q8")
    public ActivationType activations = ActivationType.Q8;

    /** Type of the weights. */
    @Param({
        "F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL",
        "IQ4_XS", "MXFP4"
    })
    public DType dtype = DType.F32;

    /** Rows of the input. */
    @Param({"1", "4", "256"})
    public int inputs;

    /** Columns of the matrix. */
    @Param("2048")
    public int columns;

    /** Rows of the matrix; enough of them that the weights come from memory. */
    @Param("16384")
    public int rows;

    /** Threads. */
    @Param("1")
    public int threads;

    /** What an operation amounts to. */
    @State(Scope.Thread)
    @AuxCounters(AuxCounters.Type.OPERATIONS)
    public static class Work {
        /** Multiply-adds. */
        public long multiplyAdds;

        /** Bytes of weights. */
        public long weightBytes;
    }

    private final Arena arena = Arena.ofShared();
    private Linear linear;
    private WorkerPool pool;
    private MatmulInput x;
    private float[] y = new float[0];
    private long weightBytes;

    /** Makes a matrix of random blocks whose scales are ordinary numbers. */
    @Setup
    public void setUp() {
        System.setProperty(KernelSettings.KERNELS, kernels);
        Random random = new Random(1);
        weightBytes = dtype.byteSize(columns) * rows;
        MemorySegment data = arena.allocate(weightBytes, 64);
        for (long i = 0; i < weightBytes; i++) {
            // as the upper byte of a half or a float, all of these are small numbers, none of them subnormal
            data.set(ValueLayout.JAVA_BYTE, i, (byte) (random.nextInt() & 0x3b | 0x10));
        }
        Tensor weight = new Tensor("weight", dtype, Shape.of(columns, rows), data);
        pool = new WorkerPool(threads);
        LoadOptions options = LoadOptions.EXACT.withActivations(activations);
        linear = new Linear(KernelFamilies.select().kernel(weight, options, RepackMemory.of(arena), pool), null, 1);
        x = new MatmulInput(inputs, columns);
        for (int i = 0; i < inputs * columns; i++) {
            x.values()[i] = (float) random.nextGaussian();
        }
        y = new float[inputs * rows];
    }

    /** Ends the threads and frees the weights. */
    @TearDown
    public void tearDown() {
        pool.close();
        arena.close();
    }

    /** One multiplication, packing of the input included. */
    @Benchmark
    public float[] multiply(Work work) {
        x.reset(inputs, columns);
        linear.apply(pool, x, y, 0, rows);
        work.multiplyAdds += (long) inputs * columns * rows;
        work.weightBytes += weightBytes;
        return y;
    }
}
