package dev.nibble.cpu.op;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.cpu.KernelFamilies;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.cpu.scalar.ScalarOps;
import dev.nibble.cpu.state.KvCache;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.Projection;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * One layer's attention over a KV cache in one thread, with the heads of Llama 3.2 1B: the last {@code rows} of {@code
 * positions} attend to all before them. One row is decoding, many are a prompt. In this package to reach the tile.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Fork(value = 1, jvmArgs = "--add-modules=jdk.incubator.vector")
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@SuppressWarnings("NullAway.Init") // the fields are set before the benchmark runs
public class AttentionBenchmark {
    private static final int HEADS = 32;
    private static final int KV_HEADS = 8;
    private static final int DIM = 64;

    /** Kernel family; {@code scalar} is the oracle. */
    @Param({"vector", "scalar"})
    public String kernels = "";

    /** Positions in the cache. */
    @Param({"256", "4096"})
    public int positions;

    /** Rows of queries. */
    @Param({"1", "256"})
    public int rows;

    /** Type of the cache. */
    @Param("F16")
    public KvCacheType type = KvCacheType.F16;

    private final Scratch scratch = new Scratch();
    private VectorOps ops;
    private AttentionTile tile;
    private AttentionConfig config;
    private KvCache cache;
    private float[] queries = {};
    private float[] out = {};

    /** Fills the cache. */
    @Setup
    public void setUp() {
        ops = kernels.equals("scalar")
                ? new ScalarOps()
                : KernelFamilies.select().ops();
        Projection none = new Projection(
                new Tensor("none", DType.F32, Shape.of(1, 1), MemorySegment.ofArray(new float[1])), null, 1);
        config = new AttentionConfig.Builder(0, HEADS, KV_HEADS, DIM, DIM, none, none, none, none).build();
        tile = AttentionTile.of(scratch, config);
        Random random = new Random(1);
        cache = KvCache.alone(KV_HEADS, DIM, DIM, KvCacheTypes.of(type), positions, 0, rows, ops);
        for (int position = 0; position < positions; position++) {
            cache.write(position, gaussian(KV_HEADS * DIM, random), 0, gaussian(KV_HEADS * DIM, random), 0, scratch);
        }
        queries = gaussian(rows * HEADS * DIM, random);
        out = new float[queries.length];
    }

    private static float[] gaussian(int count, Random random) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) random.nextGaussian();
        }
        return values;
    }

    /** Frees the cache. */
    @TearDown
    public void tearDown() {
        cache.free();
    }

    /** All heads of all rows. */
    @Benchmark
    public float[] attend() {
        int tileRows = AttentionTile.rows(config);
        for (int head = 0; head < KV_HEADS; head++) {
            for (int row = 0; row < rows; row += tileRows) {
                int count = Math.min(tileRows, rows - row);
                tile.run(ops, cache, head, queries, row, count, positions - rows + row, positions, out, scratch);
            }
        }
        return out;
    }
}
