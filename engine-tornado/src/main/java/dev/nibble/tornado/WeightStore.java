package dev.nibble.tornado;

import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import dev.nibble.tornado.kernels.Weights;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;

/**
 * The weights in arrays that a device takes, each below its limit for one array. Types the kernels read stay as they are;
 * others become F16, which is told once.
 *
 * <p>What belongs together (a layer) lies in one array; a matrix that stands alone may be spread by rows over several.
 */
final class WeightStore {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Offsets are multiples of this, so that rows start where the device reads well. */
    private static final int ALIGNMENT = 16;

    /** The largest finite half. */
    private static final float LARGEST_HALF = 65504;

    private final long limit;
    private final long pieceLimit;
    private final List<Long> sizes = new ArrayList<>();
    private final List<Piece> pieces = new ArrayList<>();
    private final IdentityHashMap<Tensor, List<Piece>> alone = new IdentityHashMap<>();
    private final Set<DType> converted = new TreeSet<>();

    /** Rows of a matrix in an array: {@code rows} rows of {@code tensor} from {@code firstRow} on, at byte {@code offset}. */
    record Piece(Tensor tensor, int array, int offset, int firstRow, int rows) {
        /** The type it has on the device. */
        DType type() {
            return deviceType(tensor.dtype());
        }

        int columns() {
            return Math.toIntExact(tensor.columns());
        }
    }

    /**
     * An empty store.
     *
     * @param limit bytes of an array at most
     * @param pieceLimit bytes of a piece of a matrix at most
     */
    WeightStore(long limit, long pieceLimit) {
        this.limit = limit;
        this.pieceLimit = pieceLimit;
    }

    /** The type in which a tensor's elements stand on the device. */
    static DType deviceType(DType type) {
        return Weights.code(type) >= 0 ? type : DType.F16;
    }

    /** Bytes a tensor takes on the device. */
    static long deviceBytes(Tensor tensor) {
        return deviceType(tensor.dtype()).byteSize(tensor.columns()) * tensor.rows();
    }

    /**
     * Plans tensors that one launch reads: all in one array.
     *
     * @throws UnsupportedModelException if they are larger than an array may be
     */
    List<Piece> addTogether(List<Tensor> tensors) {
        long bytes =
                tensors.stream().mapToLong(tensor -> align(deviceBytes(tensor))).sum();
        if (bytes > limit) {
            throw new UnsupportedModelException("the backend tornado needs the weights of a block in one array, and "
                    + tensors.getFirst().name() + " and those beside it take " + bytes + " bytes, more than the "
                    + limit + " that an array of this device may have; the backend cpu has no such limit");
        }
        int array = room(bytes);
        List<Piece> placed = new ArrayList<>();
        for (Tensor tensor : tensors) {
            placed.add(place(tensor, array, 0, Math.toIntExact(tensor.rows())));
        }
        return placed;
    }

    /** Plans a matrix whose rows may be spread over arrays; the same tensor is kept once. */
    List<Piece> addAlone(Tensor tensor) {
        return alone.computeIfAbsent(tensor, matrix -> {
            long rowBytes = deviceType(matrix.dtype()).byteSize(matrix.columns());
            int rowsOfArray = (int) Math.min(Integer.MAX_VALUE, (pieceLimit - ALIGNMENT) / rowBytes);
            List<Piece> placed = new ArrayList<>();
            int total = Math.toIntExact(matrix.rows());
            for (int row = 0; row < total; row += rowsOfArray) {
                int rows = Math.min(rowsOfArray, total - row);
                placed.add(place(matrix, room(rowBytes * rows), row, rows));
            }
            return placed;
        });
    }

    /** The last array if so many bytes fit, else a new one. */
    private int room(long bytes) {
        if (sizes.isEmpty() || sizes.getLast() + bytes > limit) {
            sizes.add(0L);
        }
        return sizes.size() - 1;
    }

    private Piece place(Tensor tensor, int array, int firstRow, int rows) {
        DType type = deviceType(tensor.dtype());
        if (type != tensor.dtype()) {
            converted.add(tensor.dtype());
        }
        Piece piece = new Piece(tensor, array, Math.toIntExact(sizes.get(array)), firstRow, rows);
        sizes.set(array, sizes.get(array) + align(type.byteSize(tensor.columns()) * rows));
        pieces.add(piece);
        return piece;
    }

    private static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Types of the file that were not kept. */
    Set<DType> converted() {
        return converted;
    }

    /** Types the kernels have to read. */
    Set<DType> types() {
        Set<DType> types = new TreeSet<>();
        pieces.forEach(piece -> types.add(piece.type()));
        return types;
    }

    /** The arrays, filled. */
    List<ByteArray> fill() {
        List<ByteArray> arrays = new ArrayList<>();
        for (long size : sizes) {
            arrays.add(new ByteArray(Math.toIntExact(size)));
        }
        for (Piece piece : pieces) {
            MemorySegment target = arrays.get(piece.array()).getSegment();
            if (piece.type() == piece.tensor().dtype()) {
                long rowBytes = piece.tensor().rowBytes();
                MemorySegment.copy(
                        piece.tensor().data(),
                        piece.firstRow() * rowBytes,
                        target,
                        piece.offset(),
                        piece.rows() * rowBytes);
            } else {
                toHalves(piece, target);
            }
        }
        return arrays;
    }

    private static void toHalves(Piece piece, MemorySegment target) {
        int columns = piece.columns();
        float[] row = new float[columns];
        long at = piece.offset();
        for (int i = 0; i < piece.rows(); i++) {
            piece.tensor().dequantizeRows(piece.firstRow() + i, 1, row, 0);
            for (float value : row) {
                if (Math.abs(value) > LARGEST_HALF) {
                    throw new UnsupportedModelException(
                            "the backend tornado converts " + piece.tensor().dtype()
                                    + " to F16, and " + piece.tensor().name() + " holds " + value
                                    + ", which F16 cannot; the backend cpu reads it as it is");
                }
                target.set(SHORT, at, Float.floatToFloat16(value));
                at += Short.BYTES;
            }
        }
    }
}
