package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.HALF;
import static dev.nibble.cpu.interleaved.Shorts.S;
import static dev.nibble.cpu.vector.Lanes.F;
import static dev.nibble.cpu.vector.Lanes.LE;
import static jdk.incubator.vector.VectorOperators.LSHR;

import dev.nibble.cpu.interleaved.UnmaskedFields.Field;
import dev.nibble.cpu.vector.Lanes;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Codes of 4 bits that select one of 16 levels, four to a word as in {@link Fields}: column {@code 4j + i} in the bits
 * from {@code 4i} on of word j. The levels are looked up in a vector of as many lanes, as floats, and multiplied by
 * activations as they are: their products do not fit 16 bits.
 */
final class TableQuants extends Quants {
    /** Whether a vector holds all levels. */
    static final boolean SERVES = Lanes.COUNT == 16;

    private static final int UNITS = 8;

    private final ShortVector levels;
    private final IntVector floats;

    /**
     * @param levels sixteen
     */
    TableQuants(byte[] levels) {
        super(new UnmaskedFields(GroupLayout.BLOCK, new Field[][] {{new Field(0, 0, 1)}}, 0, 0), UNITS);
        short[] shorts = new short[Shorts.LANES];
        int[] bits = new int[Lanes.COUNT];
        for (int i = 0; i < levels.length; i++) {
            shorts[i] = levels[i];
            bits[i] = Float.floatToRawIntBits(levels[i]);
        }
        this.levels = ShortVector.fromArray(Shorts.S, shorts, 0);
        floats = IntVector.fromArray(Lanes.I, bits, 0);
    }

    @Override
    boolean exact() {
        return true;
    }

    @Override
    void unpack(RowTask p) {
        long at = p.at + p.layout.quantsAt(0);
        unpack(p.data, at, p.layout.blockBytes(), p.columns, levels, p.quants, p.quantsTo(), p.quantsStride);
    }

    private static void unpack(
            MemorySegment data,
            long at,
            int blockBytes,
            int columns,
            ShortVector levels,
            short[] out,
            int outAt,
            int stride) {
        for (int i = 0; i < columns; i++) {
            ShortVector w = Shorts.load(data, at + (i >> 5) * blockBytes + (i >> 2 & 7) * UNIT);
            w.lanewise(VectorOperators.LSHR, 4 * (i & 3))
                    .and((short) 15)
                    .selectFrom(levels)
                    .intoArray(out, outAt + i * stride);
        }
    }

    /** One input row: {@code y += Σ scale · Σ level · activation}; the scales were read. */
    static void multiply(RowTask p) {
        multiply(
                p.data,
                p.at + p.layout.quantsAt(0),
                p.layout.headUnits() * UNIT,
                p.columns / GroupLayout.BLOCK,
                ((TableQuants) p.layout.quants()).floats,
                p.values,
                p.valuesAt,
                p.scales,
                p.result,
                p.resultAt);
    }

    /** Calls the Vector API only: it is too long for helpers to be inlined, see {@link OneInputLoopsNarrow}. */
    private static void multiply(
            MemorySegment data,
            long at,
            int headBytes,
            int blocks,
            IntVector levels,
            float[] x,
            int from,
            float[] scales,
            float[] y,
            int to) {
        MemorySegment memory = Shorts.memory(data);
        FloatVector first = FloatVector.fromArray(F, y, to);
        FloatVector second = FloatVector.fromArray(F, y, to + HALF);
        long next = at;
        for (int block = 0; block < blocks; block++) {
            FloatVector even0 = FloatVector.zero(F);
            FloatVector even1 = even0;
            FloatVector odd0 = even0;
            FloatVector odd1 = even0;
            int base = from + block * GroupLayout.BLOCK;
            for (int i = 0; i < UNITS; i++) {
                IntVector w = ShortVector.fromMemorySegment(S, memory, Shorts.plain(next), LE)
                        .reinterpretAsInts();
                next += UNIT;
                FloatVector value = FloatVector.broadcast(F, x[base + 4 * i]);
                even0 = w.selectFrom(levels).reinterpretAsFloats().fma(value, even0);
                odd0 = w.lanewise(LSHR, 16)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, odd0);
                value = FloatVector.broadcast(F, x[base + 4 * i + 1]);
                even1 = w.lanewise(LSHR, 4)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, even1);
                odd1 = w.lanewise(LSHR, 20)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, odd1);
                value = FloatVector.broadcast(F, x[base + 4 * i + 2]);
                even0 = w.lanewise(LSHR, 8)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, even0);
                odd0 = w.lanewise(LSHR, 24)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, odd0);
                value = FloatVector.broadcast(F, x[base + 4 * i + 3]);
                even1 = w.lanewise(LSHR, 12)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, even1);
                odd1 = w.lanewise(LSHR, 28)
                        .selectFrom(levels)
                        .reinterpretAsFloats()
                        .fma(value, odd1);
            }
            next += headBytes;
            first = even0.add(even1).fma(FloatVector.fromArray(F, scales, 2 * HALF * block), first);
            second = odd0.add(odd1).fma(FloatVector.fromArray(F, scales, 2 * HALF * block + HALF), second);
        }
        first.intoArray(y, to);
        second.intoArray(y, to + HALF);
    }
}
