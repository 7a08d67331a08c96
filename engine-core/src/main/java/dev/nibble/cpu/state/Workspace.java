package dev.nibble.cpu.state;

import dev.nibble.OutOfMemoryException;
import dev.nibble.cpu.kernel.MatmulInput;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * The scratch memory of a running pass: named buffers of [rows, width] floats on the heap, where the Vector API gives
 * its best code. The operations reserve their widths when a model is compiled; memory is allocated when a batch first
 * needs that many rows, and kept until it is given back.
 */
public final class Workspace {

    /** A buffer of results. */
    public enum Buffer {
        /** The residual stream. */
        RESIDUAL,
        /** What a mixer or a feed-forward layer returns. */
        OUTPUT,
        QUERY,
        KEY,
        VALUE,
        /** Latent attention: the queries of all heads as they meet the latents. */
        LATENT,
        GATE,
        UP,
        /** What an expert, or all of them, return. */
        EXPERT,
        ROUTER,
        /** A recurrent mixer's convolution channels. */
        CHANNELS,
        /** Smaller values of a recurrent mixer. */
        STEP,
        /** Per-layer inputs of all layers. */
        PER_LAYER,
        /** AltUp: all streams, predicted streams, and the low-rank residual. */
        STREAMS,
        PREDICTED,
        LAUREL
    }

    /** A buffer of matrix multiplication inputs. */
    public enum Input {
        /** Hidden-size rows. */
        HIDDEN,
        /** What attention, or what stands in its place, hands to its output projection. */
        MIXED,
        /** What a feed-forward layer hands to its down projection. */
        INNER,
        /** Rows gathered for one expert, or for one head of latent attention. */
        GATHERED,
        /** The rows whose logits are wanted. */
        LAST
    }

    /** What every virtual machine allows an array. */
    private static final int MAX_LENGTH = Integer.MAX_VALUE - 8;

    /** Packed forms of an input at most: rounded values, and tokens side by side; a model may have weights for both. */
    private static final int PACKED_FORMS = 2;

    private final EnumMap<Buffer, Integer> bufferWidths = new EnumMap<>(Buffer.class);
    private final EnumMap<Input, Integer> inputWidths = new EnumMap<>(Input.class);
    private final EnumMap<Buffer, float[]> buffers = new EnumMap<>(Buffer.class);
    private final EnumMap<Input, MatmulInput> inputs = new EnumMap<>(Input.class);
    private volatile int capacity; // asked for by others

    /** Makes sure a buffer's rows have at least {@code width} elements; before the first pass. */
    public void reserve(Buffer buffer, long width) {
        bufferWidths.merge(buffer, length(1, width), Math::max);
    }

    /** Likewise for an input. */
    public void reserve(Input input, long width) {
        inputWidths.merge(input, length(1, width), Math::max);
    }

    /** Makes room for batches of {@code rows} rows. */
    void ensureRows(int rows) {
        if (rows <= capacity) {
            return;
        }
        inputWidths.values().forEach(width -> length(rows, width));
        clear(); // before there is more, so that both are never needed at once
        bufferWidths.forEach((buffer, width) -> buffers.put(buffer, new float[length(rows, width)]));
        inputWidths.forEach((input, width) -> inputs.put(input, new MatmulInput(rows, width)));
        capacity = rows;
    }

    private static int length(int rows, long width) {
        if (width > MAX_LENGTH / rows) {
            throw new OutOfMemoryException("the model's buffers cannot be allocated: " + rows + " rows of " + width
                    + " values do not fit an array");
        }
        return (int) (rows * width);
    }

    /** The values of a buffer, [rows, whatever width the user takes]. */
    public float[] get(Buffer buffer) {
        return Objects.requireNonNull(buffers.get(buffer), buffer.name());
    }

    /** An input buffer. */
    public MatmulInput get(Input input) {
        return Objects.requireNonNull(inputs.get(input), input.name());
    }

    /** Bytes the buffers take for batches of {@code rows} rows, with the packed forms that kernels make of inputs. */
    public long bytes(int rows) {
        return 4L * rows * (sum(bufferWidths) + (1 + PACKED_FORMS) * sum(inputWidths));
    }

    /** Bytes that batches of {@code rows} rows need beyond what is allocated. */
    public long missingBytes(int rows) {
        return bytes(Math.max(rows, capacity)) - bytes(capacity);
    }

    private static long sum(Map<?, Integer> widths) {
        return widths.values().stream().mapToLong(Integer::longValue).sum();
    }

    /** Frees the buffers if they are for batches of more than {@code rows} rows. */
    public void giveBack(int rows) {
        if (capacity > rows) {
            clear();
        }
    }

    /** Frees the buffers. */
    public void clear() {
        capacity = 0;
        buffers.clear();
        inputs.values().forEach(MatmulInput::close);
        inputs.clear();
    }
}
