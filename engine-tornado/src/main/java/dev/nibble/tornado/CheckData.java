package dev.nibble.tornado;

import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import dev.nibble.tornado.kernels.Layout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Small seeded data for the kernel checks, and the tables that go with it. */
final class CheckData {
    /** Layers in the table; the checks mean the second, so that an index that is ignored shows. */
    private static final int LAYERS = 2;

    static final int LAYER = 1;

    final SplittableRandom random;
    final IntArray table = new IntArray(LAYERS * Layout.COLUMNS);
    final IntArray step = new IntArray(Layout.STEP_SIZE);

    CheckData(long seed) {
        random = new SplittableRandom(seed);
        for (int i = 0; i < table.getSize(); i++) {
            table.set(i, -1);
        }
        step.set(Layout.TABLE_ROW, LAYER);
        step.set(Layout.INPUT_ROW, 0);
    }

    void set(int column, int value) {
        table.set(LAYER * Layout.COLUMNS + column, value);
    }

    int get(int column) {
        return table.get(LAYER * Layout.COLUMNS + column);
    }

    /** Normally distributed values. */
    FloatArray floats(int count) {
        FloatArray values = new FloatArray(count);
        for (int i = 0; i < count; i++) {
            values.set(i, (float) random.nextGaussian());
        }
        return values;
    }

    /** A batch of rows whose positions follow {@code first}, with pages in descending order. */
    IntArray batch(int rows, int first, int slots) {
        int pages = slots / Layout.PAGE;
        int end = Layout.BATCH_HEADER + rows * Layout.ROW_SIZE;
        IntArray batch = new IntArray(end + pages);
        batch.set(Layout.ROWS, rows);
        batch.set(Layout.SLOTS, slots);
        for (int row = 0; row < rows; row++) {
            int at = Layout.BATCH_HEADER + row * Layout.ROW_SIZE;
            batch.set(at + Layout.TOKEN, (3 * row + 2) % 8);
            batch.set(at + Layout.POSITION, first + row);
            batch.set(at + Layout.PAGES, end);
        }
        for (int page = 0; page < pages; page++) {
            batch.set(end + page, pages - 1 - page);
        }
        return batch;
    }

    static int token(IntArray batch, int row) {
        return batch.get(Layout.BATCH_HEADER + row * Layout.ROW_SIZE + Layout.TOKEN);
    }

    static int position(IntArray batch, int row) {
        return batch.get(Layout.BATCH_HEADER + row * Layout.ROW_SIZE + Layout.POSITION);
    }

    static int slot(IntArray batch, int row, int position) {
        int pages = batch.get(Layout.BATCH_HEADER + row * Layout.ROW_SIZE + Layout.PAGES);
        return batch.get(pages + position / Layout.PAGE) * Layout.PAGE + position % Layout.PAGE;
    }

    /** Random blocks of a type, every bit of every code used, with scales of ordinary size. */
    ByteArray weights(DType type, int rows, int columns) {
        ByteArray bytes = new ByteArray(Math.toIntExact(rows * type.byteSize(columns)));
        for (int i = 0; i < bytes.getSize(); i++) {
            bytes.set(i, (byte) random.nextInt());
        }
        for (int block = 0; block < bytes.getSize(); block += type.blockBytes()) {
            switch (type) {
                case F32 -> {
                    int bits = Float.floatToRawIntBits((float) random.nextGaussian());
                    for (int i = 0; i < 4; i++) {
                        bytes.set(block + i, (byte) (bits >> 8 * i));
                    }
                }
                case F16 -> half(bytes, block, random.nextInt(8) == 0 ? 1e-6 : 1);
                case Q4_1, Q4_K -> {
                    half(bytes, block, 0.01);
                    half(bytes, block + 2, 0.01);
                }
                case Q6_K -> half(bytes, block + 208, 0.001);
                default -> half(bytes, block, 0.01);
            }
        }
        return bytes;
    }

    private void half(ByteArray bytes, int at, double size) {
        int bits = Float.floatToFloat16((float) (random.nextGaussian() * size));
        bytes.set(at, (byte) bits);
        bytes.set(at + 1, (byte) (bits >> 8));
    }

    /** The weights by the scalar code of the CPU: [rows, columns]. */
    static float[] dequantize(DType type, ByteArray bytes, int rows, int columns) {
        MemorySegment data = bytes.getSegment();
        MemorySegment copy = MemorySegment.ofArray(data.toArray(ValueLayout.JAVA_BYTE));
        float[] values = new float[rows * columns];
        new Tensor("check", type, Shape.of(columns, rows), copy).dequantizeRows(0, rows, values, 0);
        return values;
    }
}
