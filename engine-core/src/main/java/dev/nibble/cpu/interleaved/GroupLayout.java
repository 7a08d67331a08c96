package dev.nibble.cpu.interleaved;

import static dev.nibble.cpu.interleaved.Shorts.GROUP;
import static dev.nibble.cpu.interleaved.Shorts.LANES;

import dev.nibble.cpu.quant.QuantReader;
import dev.nibble.cpu.vector.Levels;
import dev.nibble.tensor.DType;
import java.util.EnumMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * How a tensor type is laid out with a group of rows side by side, and the code that reads it.
 *
 * <p>A group of {@link Shorts#GROUP} rows is a sequence of blocks of 32 columns. A block is its quants, as {@link Quants}
 * say, and a head behind them (Q6_K in groups of one part: before them); before the eight blocks of a super-block is a head of their own. So a
 * group is read in one stream without gaps: what processors fetch ahead. A gap of a few lines halves the speed.
 *
 * <pre>
 * head of a block         [GROUP] halves d, [GROUP] halves m           (types without super-blocks)
 *                         [GROUP] upper halves of floats d             (MXFP4)
 *                         [GROUP] pairs of bytes: scale and minimum, or the scales of two sub-blocks of 16, in Q2_K each
 *                         with a minimum in the upper nibble, or a scale and nothing in IQ4_XS
 * head of a super-block   [GROUP] floats d, [GROUP] floats dmin: as halves they are often subnormal, which is slow
 * </pre>
 *
 * <p>An element is {@code scale · q ± shift}, or {@code scale · (q - center)}; q is unsigned but in Q8_0. Or it is
 * {@code scale · level(q)}.
 */
abstract class GroupLayout {
    static final int SUPER_BLOCK = 256;

    /**
     * Columns that are worked on at a time, the last of a row excepted. So few, because no weights are read while records
     * are folded, or a super-block is finished: what the processor has fetched ahead should last for that time.
     */
    static final int PIECE = SUPER_BLOCK;

    static final int BLOCK = QuantizedInput.BLOCK;

    /** Blocks of a super-block. */
    static final int SUPER_BLOCKS = SUPER_BLOCK / BLOCK;

    private static final int MAX_FINITE_HALF = 0x7bff;

    private final Quants quants;
    private final QuantReader reader;

    /** Columns that share a scale. */
    private final int scaleColumns;

    /** 1 if the file has shifts, -1 if it has minima to be subtracted, 0 if it has neither. */
    private final int shiftSign;

    /** Units of the head of a block, and of a super-block. */
    private final int headUnits;

    private final int superUnits;

    /** Whether the head of a block comes before its quants. */
    private final boolean headFirst;

    GroupLayout(
            Quants quants,
            QuantReader reader,
            int scaleColumns,
            int shiftSign,
            int headUnits,
            int superUnits,
            boolean headFirst) {
        this.headFirst = headFirst;
        this.headUnits = headUnits;
        this.superUnits = superUnits;
        this.quants = quants;
        this.reader = reader;
        this.scaleColumns = scaleColumns;
        this.shiftSign = shiftSign;
    }

    /** The layout of a type, null if it has none. */
    static @Nullable GroupLayout of(DType dtype) {
        return Known.LAYOUTS.get(dtype);
    }

    /** One layout of a type, and one object for quants of the same form: an input is prepared once for each of these. */
    private static final class Known {
        static final Map<DType, GroupLayout> LAYOUTS = new EnumMap<>(DType.class);

        static {
            Quants four = new Fields.Four();
            Quants five = new Fields.Five();
            LAYOUTS.put(DType.Q4_0, new BlockLayout(four, QuantReader.q4(18), 18, false));
            LAYOUTS.put(DType.Q4_1, new BlockLayout(four, QuantReader.q4(20), 20, true));
            LAYOUTS.put(DType.Q5_0, new BlockLayout(five, QuantReader.q5(22), 22, false));
            LAYOUTS.put(DType.Q5_1, new BlockLayout(five, QuantReader.q5(24), 24, true));
            LAYOUTS.put(DType.Q8_0, new BlockLayout(new EightBits(), QuantReader::q8, 34, false));
            if (TableQuants.SERVES) {
                Quants levels = new TableQuants(Levels.IQ4.toArray());
                LAYOUTS.put(DType.IQ4_NL, new BlockLayout(levels, QuantReader.q4(18), 18, false));
                LAYOUTS.put(DType.IQ4_XS, SuperBlockLayout.iq4(levels));
                LAYOUTS.put(DType.MXFP4, BlockLayout.mxfp4());
            }
            LAYOUTS.put(DType.Q2_K, SuperBlockLayout.q2());
            LAYOUTS.put(DType.Q3_K, SuperBlockLayout.q3());
            LAYOUTS.put(DType.Q4_K, SuperBlockLayout.q4(four));
            LAYOUTS.put(DType.Q5_K, SuperBlockLayout.q5(five));
            LAYOUTS.put(DType.Q6_K, SuperBlockLayout.q6());
        }

        private Known() {}
    }

    final Quants quants() {
        return quants;
    }

    final int scaleColumns() {
        return scaleColumns;
    }

    /** Whether elements have a shift. */
    final boolean shifted() {
        return shiftSign != 0;
    }

    /** Whether scales are halves, and one row is multiplied with {@link QuantizedInput#liftedScales}. */
    final boolean lifted() {
        return superUnits == 0;
    }

    /** Units of the head of a block. */
    final int headUnits() {
        return headUnits;
    }

    /** Units of the head of a super-block, 0 for none. */
    final int superUnits() {
        return superUnits;
    }

    /** Bytes of a block of a group. */
    final int blockBytes() {
        return (quants.blockUnits() + headUnits) * Quants.UNIT;
    }

    private int blockAt(int block) {
        return (int) bytes(block * BLOCK) + superUnits * Quants.UNIT;
    }

    /** The byte of a group at which the quants of a block begin. */
    final int quantsAt(int block) {
        return blockAt(block) + (headFirst ? headUnits * Quants.UNIT : 0);
    }

    /** The byte of a group at which the head of a block begins. */
    final int headAt(int block) {
        return blockAt(block) + (headFirst ? 0 : quants.blockUnits() * Quants.UNIT);
    }

    /** The byte of a group at which the head of a super-block begins. */
    final int superAt(int block) {
        return (int) bytes(block * SUPER_BLOCK);
    }

    /** Bytes of {@code columns} columns of a group. */
    final long bytes(int columns) {
        return (long) columns / BLOCK * blockBytes() + (long) columns / SUPER_BLOCK * superUnits * Quants.UNIT;
    }

    /** Shorts of a record, see {@link BlockSums}. */
    final int record() {
        return (quants.recordSums() + headUnits) * GROUP;
    }

    /** From weights to results: what is done with a piece for one input row. */
    abstract SeparateLoop[] rowLoops();

    /**
     * Reads the quants of one row.
     *
     * @param in the row's blocks as the file has them
     * @param values receives the quants, 8 in each
     */
    final void readQuants(byte[] in, int columns, long[] values) {
        reader.read(in, columns, values);
    }

    /** Puts the scales of a row in place; false if one is not a finite number. */
    abstract boolean packScales(byte[] in, int columns, int row, short[] out);

    static boolean isFiniteHalf(short half) {
        return (half & 0x7fff) <= MAX_FINITE_HALF;
    }

    /** Reads the scales of a super-block or less of a slice, and as many shifts if there are any, rows in order. */
    abstract SeparateLoop readScales();

    /** {@code shifts = center · scales ± shifts}, as the unpacked quants stay centered. */
    final void center(RowTask p) {
        if (shiftSign == 0) {
            return;
        }
        float[] scales = p.scales;
        float[] shifts = p.shifts;
        for (int i = 0; i < p.columns / scaleColumns * LANES; i++) {
            float scale = scales[p.scalesTo() + i];
            int at = p.shiftsTo() + i;
            shifts[at] = quants.center() * scale + shiftSign * shifts[at];
        }
    }
}
