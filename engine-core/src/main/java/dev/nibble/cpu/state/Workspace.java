package dev.nibble.cpu.state;

import dev.nibble.OutOfMemoryException;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.RowAdapters;
import java.util.EnumMap;
import java.util.Map;
import java.util.Objects;

/**
 * The scratch memory of a running pass: named buffers of [rows, width] floats on the heap, where the Vector API gives
 * its best code. The operations reserve their widths when a model is compiled; memory is allocated when a batch first
 * needs that many rows, and kept until it is given back.
 */
public final class Workspace {

    /**
     * A buffer of results, named by what uses it. One that is given another's memory is never in use together with it, nor with any
     * that has the same.
     */
    public enum Buffer {
        /** The residual stream. */
        RESIDUAL,
        /** What a mixer or a feed-forward layer returns. */
        OUTPUT,
        /** The input of the first block, and of the present one, where it is read again later. */
        FIRST_INPUT,
        BLOCK_INPUT,
        /** Two states that take turns: what each is. */
        STATE,
        OTHER_STATE,
        /** The cosines and sines of each rotation. */
        ANGLES,

        QUERY,
        KEY,
        VALUE,
        /** Latent attention: the queries of all heads as they meet the latents. */
        LATENT,
        /** An indexer's queries, keys, and the weights of its heads. */
        INDEX_QUERY,
        INDEX_KEY,
        INDEX_WEIGHT,
        /** What positions bring to the keys of blocks. */
        BLOCK_PARTS,

        /** A feed-forward layer, before the activation. */
        GATE,
        UP,

        ROUTER,
        EXPERT_GATE(GATE),
        EXPERT_UP(UP),
        /** What all experts return. */
        EXPERT,
        SHARED_GATE(ROUTER),
        SHARED_EXPERT(EXPERT),
        /** Of two mixers side by side, what the second returns. */
        SECOND_OUTPUT,
        /** Experts beside a dense layer: the sum of what they return. */
        EXPERT_SUM,

        ATTENTION_GATE(GATE),

        /** A recurrent mixer's channels after the convolution. */
        CONVOLVED,
        DELTA_QKV(QUERY),
        DELTA_GATE(GATE),
        DELTA_DECAY(EXPERT_SUM),
        DELTA_BETA(ROUTER),
        MAMBA_INPUT(QUERY),
        MAMBA_B(KEY),
        MAMBA_C(VALUE),
        MAMBA_STEP(GATE),
        SHORT_CONVOLUTION_INPUT(CONVOLVED),

        /** RWKV: the input less that before, its shares, low-rank maps, what the heads read, and the first layer's values. */
        SHIFT(EXPERT),
        SHARE(CONVOLVED),
        LOW(EXPERT_SUM),
        DECAY(UP),
        RECEPTANCE(QUERY),
        MIX_GATE(GATE),
        RATE(LATENT),
        KEY_NORMAL(EXPERT_SUM),
        FIRST_VALUE,

        /** Per-layer inputs of all layers, their projections, and the gate of one layer. */
        PER_LAYER,
        PER_LAYER_PROJECTED(CONVOLVED),
        PER_LAYER_GATE(GATE),

        /** AltUp: all streams, predicted streams, how they are mixed, and the low-rank residual. */
        STREAMS,
        PREDICTED,
        STREAM_MIX(ROUTER),
        LAUREL,

        /** How a part is connected to the residual streams, from what it reads to what it returns. */
        CONNECTION;

        /** The buffer whose memory it has. */
        private final Buffer memory;

        Buffer() {
            memory = this;
        }

        Buffer(Buffer memory) {
            this.memory = memory;
        }
    }

    /** A buffer of matrix multiplication inputs; memory is shared as that of a {@link Buffer}. */
    public enum Input {
        /** Hidden-size rows. */
        HIDDEN,
        /** What attention, or what stands in its place, hands to its output projection. */
        MIXED,
        /** What a feed-forward layer hands to its down projection. */
        INNER,
        /** Rows gathered for one expert. */
        GATHERED,
        /** The space that experts work in, where it is their own: what they read, and the sum of what they return. */
        EXPERT_INPUT,
        EXPERT_RESULT(EXPERT_INPUT),
        /** What a router reads, where it reads something else than the experts. */
        ROUTED(MIXED),
        /** Latent attention: the queries at their low rank, and the rows of all queries, head by head. */
        LOW_QUERY(INNER),
        HEADS(GATHERED),
        /** RWKV: the input mixed with that before. */
        SHIFTED(GATHERED),
        /** A recurrent mixer's maps at their low rank. */
        LOW_INPUT(INNER),
        /** Mamba: the channels after the convolution, and the steps at their low rank. */
        MAMBA_CHANNELS(GATHERED),
        MAMBA_LOW_STEP(INNER),
        /** What a per-layer input hands to its projection. */
        PER_LAYER_INNER(INNER),
        /** All residual streams of a row, normalized. */
        CONNECTED(GATHERED),
        /** AltUp: what tells how streams are mixed, and the low-rank residual at its low rank. */
        MODALITIES(INNER),
        LAUREL_LOW(INNER),
        /** The rows whose logits are wanted. */
        LAST;

        private final Input memory;

        Input() {
            memory = this;
        }

        Input(Input memory) {
            this.memory = memory;
        }
    }

    /** What every virtual machine allows an array. */
    private static final int MAX_LENGTH = Integer.MAX_VALUE - 8;

    /** Packed forms of an input at most: rounded values, and tokens side by side; a model may have weights for both. */
    private static final int PACKED_FORMS = 2;

    /** Layers at most whose products with an adapter's first matrices are held at a time: those that share an input, for each. */
    private static final int ADAPTED_LAYERS = 12;

    private final EnumMap<Buffer, Integer> bufferWidths = new EnumMap<>(Buffer.class);
    private final EnumMap<Input, Integer> inputWidths = new EnumMap<>(Input.class);
    private final EnumMap<Buffer, float[]> buffers = new EnumMap<>(Buffer.class);
    private final EnumMap<Input, MatmulInput> inputs = new EnumMap<>(Input.class);
    private final RowAdapters adapters = new RowAdapters();
    private int adapterRank;
    private volatile int capacity; // asked for by others

    /** Which adapters the rows of the running batch use. */
    RowAdapters adapters() {
        return adapters;
    }

    /** Says that adapters have this rank together, for the bytes that they take; before the first pass. */
    public void reserveAdapters(int rank) {
        adapterRank = rank;
    }

    /** Makes sure a buffer's rows have at least {@code width} elements; before the first pass. */
    public void reserve(Buffer buffer, long width) {
        bufferWidths.merge(buffer.memory, length(1, width), Math::max);
    }

    /** Likewise for an input. */
    public void reserve(Input input, long width) {
        inputWidths.merge(input.memory, length(1, width), Math::max);
    }

    /** Makes room for batches of {@code rows} rows. */
    void ensureRows(int rows) {
        if (rows <= capacity) {
            return;
        }
        inputWidths.values().forEach(width -> length(rows, width));
        clear(); // before there is more, so that both are never needed at once
        bufferWidths.forEach((buffer, width) -> buffers.put(buffer, new float[length(rows, width)]));
        inputWidths.forEach(
                (input, width) -> inputs.put(input, new MatmulInput(rows, width, adapterRank == 0 ? null : adapters)));
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
        return Objects.requireNonNull(buffers.get(buffer.memory), buffer.name());
    }

    /** An input buffer. */
    public MatmulInput get(Input input) {
        return Objects.requireNonNull(inputs.get(input.memory), input.name());
    }

    /** Bytes the buffers take for batches of {@code rows} rows, with the packed forms that kernels make of inputs. */
    public long bytes(int rows) {
        long lowRank = (long) ADAPTED_LAYERS * adapterRank * (1 + PACKED_FORMS);
        return 4L * rows * (sum(bufferWidths) + (1 + PACKED_FORMS) * sum(inputWidths) + lowRank);
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
