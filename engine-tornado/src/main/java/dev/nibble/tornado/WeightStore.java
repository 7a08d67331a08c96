package dev.nibble.tornado;

import dev.nibble.UnsupportedModelException;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.Model;
import dev.nibble.model.Projection;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import dev.nibble.tornado.kernels.Weights;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;

/**
 * The weights in arrays that a device takes, each below its limit for one array. Types the kernels read stay as they are;
 * others become F16, which is told once.
 *
 * <p>What belongs together (a layer) lies in one array; a matrix that stands alone may be spread by rows over several.
 * What stays as it is in the file and lies together there is not copied on the host: the file is mapped as an array.
 */
final class WeightStore {
    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /** Offsets are multiples of this, so that rows start where the device reads well. */
    static final int ALIGNMENT = 16;

    /** The largest finite half. */
    private static final float LARGEST_HALF = 65504;

    private final long limit;
    private final long pieceLimit;
    private final List<FileRange> ranges;
    private final List<Long> sizes = new ArrayList<>(); // of the arrays, those of the ranges first
    private final List<Piece> pieces = new ArrayList<>();
    private final IdentityHashMap<Tensor, List<Piece>> matrices = new IdentityHashMap<>();
    private final List<List<Piece>> layers = new ArrayList<>();
    private final Set<DType> converted = new TreeSet<>();
    private long copiedBytes;

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
     * Plans where weights lie; nothing is read yet.
     *
     * @param matrices those whose rows may be spread over arrays
     * @param layers those that one launch reads: each layer's lie in one array
     * @param limit bytes of an array at most
     * @param pieceLimit bytes of a piece of a matrix at most
     * @throws UnsupportedModelException if a layer is larger than an array may be
     */
    WeightStore(List<Tensor> matrices, List<List<Tensor>> layers, long limit, long pieceLimit) {
        this.limit = limit;
        this.pieceLimit = pieceLimit;
        List<List<Tensor>> kept = new ArrayList<>();
        matrices.forEach(matrix -> split(matrix).forEach(part -> kept.add(List.of(part))));
        kept.addAll(layers);
        kept.removeIf(group -> !stays(group));
        ranges = FileRange.cover(kept, limit);
        ranges.forEach(range -> sizes.add(range.size()));
        for (Tensor matrix : matrices) {
            this.matrices.computeIfAbsent(matrix, this::placeMatrix);
        }
        for (List<Tensor> layer : layers) {
            this.layers.add(placeLayer(layer));
        }
    }

    /**
     * Plans the weights of a supported model's last blocks and of its output, and its embedding if all blocks are there.
     *
     * @param blocks how many
     */
    static WeightStore of(Model model, int blocks, Device device) {
        int total = model.blocks().size();
        List<Tensor> matrices = new ArrayList<>();
        if (blocks == total) {
            matrices.add(model.tokenEmbedding());
        }
        matrices.add(Objects.requireNonNull(model.output()).weight());
        List<List<Tensor>> layers = new ArrayList<>();
        for (BlockConfig block : model.blocks().subList(total - blocks, total)) {
            layers.add(
                    Support.projections(block).stream().map(Projection::weight).toList());
        }
        return new WeightStore(matrices, layers, device.maxArrayBytes(), device.maxPieceBytes());
    }

    /** The type in which a tensor's elements stand on the device. */
    static DType deviceType(DType type) {
        return Weights.code(type) >= 0 ? type : DType.F16;
    }

    /** Whether tensors are on the device what they are in the file. */
    private static boolean stays(List<Tensor> tensors) {
        return tensors.stream().allMatch(tensor -> deviceType(tensor.dtype()) == tensor.dtype());
    }

    /** Bytes a tensor takes on the device. */
    static long deviceBytes(Tensor tensor) {
        return deviceType(tensor.dtype()).byteSize(tensor.columns()) * tensor.rows();
    }

    private List<Piece> placeLayer(List<Tensor> tensors) {
        long bytes =
                tensors.stream().mapToLong(tensor -> align(deviceBytes(tensor))).sum();
        if (bytes > limit) {
            throw new UnsupportedModelException("the backend tornado needs the weights of a block in one array, and "
                    + tensors.getFirst().name() + " and those beside it take " + bytes + " bytes, more than the "
                    + limit + " that an array of this device may have; the backend cpu has no such limit");
        }
        int array = array(tensors, bytes);
        List<Piece> placed = new ArrayList<>();
        for (Tensor tensor : tensors) {
            placed.add(place(tensor, tensor, array, 0));
        }
        return placed;
    }

    private List<Piece> placeMatrix(Tensor matrix) {
        List<Piece> placed = new ArrayList<>();
        int row = 0;
        for (Tensor part : split(matrix)) {
            placed.add(place(matrix, part, array(List.of(part), deviceBytes(part)), row));
            row += Math.toIntExact(part.rows());
        }
        return placed;
    }

    /** The parts of a matrix that each fit an array. */
    private List<Tensor> split(Tensor matrix) {
        long rowBytes = deviceType(matrix.dtype()).byteSize(matrix.columns());
        long rowsOfPart = Math.min(Integer.MAX_VALUE, (pieceLimit - ALIGNMENT) / rowBytes);
        List<Tensor> parts = new ArrayList<>();
        for (long row = 0; row < matrix.rows(); row += rowsOfPart) {
            parts.add(matrix.rowRange(row, Math.min(rowsOfPart, matrix.rows() - row)));
        }
        return parts;
    }

    /** The range that holds the tensors; else the last array if so many bytes fit, else a new one. */
    private int array(List<Tensor> tensors, long bytes) {
        if (stays(tensors)) { // what is converted may lie in a range too, between others
            for (int i = 0; i < ranges.size(); i++) {
                if (ranges.get(i).holds(tensors)) {
                    return i;
                }
            }
        }
        if (sizes.size() == ranges.size() || sizes.getLast() + bytes > limit) {
            sizes.add(0L);
        }
        return sizes.size() - 1;
    }

    /** Puts {@code part}, the rows of {@code tensor} from {@code firstRow} on, into an array. */
    private Piece place(Tensor tensor, Tensor part, int array, int firstRow) {
        DType type = deviceType(tensor.dtype());
        long offset;
        if (array < ranges.size()) {
            offset = Objects.requireNonNull(part.place()).offset()
                    - ranges.get(array).start();
        } else {
            offset = sizes.get(array);
            sizes.set(array, offset + align(deviceBytes(part)));
        }
        if (type != tensor.dtype()) {
            converted.add(tensor.dtype());
        }
        Piece piece = new Piece(tensor, array, Math.toIntExact(offset), firstRow, Math.toIntExact(part.rows()));
        pieces.add(piece);
        return piece;
    }

    private static long align(long bytes) {
        return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }

    /** Where a matrix of those that stand alone lies, by rows. */
    List<Piece> matrix(Tensor matrix) {
        return Objects.requireNonNull(matrices.get(matrix));
    }

    /** Where the tensors of a layer lie, in their order. */
    List<Piece> layer(int index) {
        return layers.get(index);
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

    /** Bytes of all arrays on the device. */
    long bytes() {
        return sizes.stream().mapToLong(Long::longValue).sum();
    }

    /** Bytes of them that are planned as mapped from files. */
    long mappedBytes() {
        return ranges.stream().mapToLong(FileRange::size).sum();
    }

    /** Bytes that {@link #fill} copied on the host: what is not mapped. */
    long copiedBytes() {
        return copiedBytes;
    }

    /**
     * The arrays, filled.
     *
     * @param arena how long files stay mapped
     */
    List<ByteArray> fill(Arena arena) {
        List<ByteArray> arrays = new ArrayList<>();
        Set<Integer> mapped = new TreeSet<>();
        for (int i = 0; i < sizes.size(); i++) {
            ByteArray array = i < ranges.size() ? ranges.get(i).map(arena) : null;
            if (array == null) {
                array = new ByteArray(Math.toIntExact(sizes.get(i)));
                copiedBytes += sizes.get(i);
            } else {
                mapped.add(i);
            }
            arrays.add(array);
        }
        for (Piece piece : pieces) {
            if (!mapped.contains(piece.array())) {
                copy(piece, arrays.get(piece.array()).getSegment());
            }
        }
        return arrays;
    }

    private static void copy(Piece piece, MemorySegment target) {
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
