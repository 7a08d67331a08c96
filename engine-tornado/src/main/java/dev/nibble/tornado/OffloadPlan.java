package dev.nibble.tornado;

import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.AttentionConfig;
import dev.nibble.model.BlockConfig;
import dev.nibble.model.FeedForward;
import dev.nibble.model.Model;
import dev.nibble.model.RopeConfig;
import dev.nibble.tornado.kernels.Layout;
import java.util.HashSet;
import java.util.Set;

/**
 * How much of a model a device takes: the last layers and what follows them. Computed from sizes alone, before anything is
 * loaded.
 *
 * @param layers blocks on the device; those before them run on the CPU
 * @param totalLayers blocks of the model
 * @param slots positions of the KV cache, of all sequences together
 * @param bytes what these layers, their part of the KV cache and the buffers take on the device
 * @param hostBytes what of it the host has to hold as well: all but the weights that can be mapped
 * @param available bytes the device has
 */
record OffloadPlan(int layers, int totalLayers, int slots, long bytes, long hostBytes, long available) {
    /** The context when neither the options nor the model say less: the KV cache is allocated as a whole. */
    static final int USUAL_CONTEXT = 8192;

    /**
     * Plans a supported model.
     *
     * @param rows of a batch
     * @throws OutOfMemoryException if not even the output fits, or not the layers that were asked for
     * @throws UnsupportedModelException if the blocks' caches differ, or a block's weights need more than an array
     */
    static OffloadPlan of(Model model, LoadOptions options, Device device, int rows) {
        int slots = slots(model, options);
        int total = model.blocks().size();
        int wanted = Math.min(total, options.gpuLayers().orElse(total));
        checkCaches(model);
        int fits = wanted;
        while (fits > 0 && !fits(model, device, rows, slots, fits)) {
            fits--;
        }
        long least = bytes(model, device, rows, slots, 0);
        if (least > device.memory()) {
            throw new OutOfMemoryException(device.description() + " has " + mebibytes(device.memory())
                    + " to give, but the output and the buffers of this model alone take " + mebibytes(least)
                    + "; take the backend cpu");
        }
        if (options.gpuLayers().isPresent() && wanted > fits) {
            throw new OutOfMemoryException(wanted + " layers take "
                    + mebibytes(bytes(model, device, rows, slots, wanted)) + " with a KV cache of " + slots
                    + " tokens, but " + device.description() + " has " + mebibytes(device.memory()) + " to give and "
                    + mebibytes(device.maxArrayBytes()) + " for one array; " + fits
                    + " layers would fit (gpuLayers), more with a smaller context");
        }
        long bytes = bytes(model, device, rows, slots, fits);
        long mapped = WeightStore.of(model, fits, device).mappedBytes();
        return new OffloadPlan(fits, total, slots, bytes, bytes - mapped, device.memory());
    }

    private static int slots(Model model, LoadOptions options) {
        int own = model.config().contextLength();
        int context = options.contextLength().orElse(own > 0 ? Math.min(own, USUAL_CONTEXT) : USUAL_CONTEXT);
        return Math.ceilDiv(context, Layout.PAGE) * Layout.PAGE;
    }

    private static void checkCaches(Model model) {
        AttentionConfig first = Support.attention(model.blocks().getFirst());
        for (BlockConfig block : model.blocks()) {
            AttentionConfig attention = Support.attention(block);
            if (attention.kvHeadCount() != first.kvHeadCount()
                    || attention.headDim() != first.headDim()
                    || attention.valueDim() != first.valueDim()) {
                throw new UnsupportedModelException("the backend tornado lacks key and value heads that differ between"
                        + " blocks; the backend cpu has them");
            }
        }
    }

    private static boolean fits(Model model, Device device, int rows, int slots, int layers) {
        AttentionConfig attention = Support.attention(model.blocks().getFirst());
        long width = (long) attention.kvHeadCount() * Math.max(attention.headDim(), attention.valueDim());
        return bytes(model, device, rows, slots, layers) <= device.memory()
                && (long) Short.BYTES * layers * slots * width <= device.maxArrayBytes();
    }

    /** Bytes on the device with the last {@code layers} layers. */
    private static long bytes(Model model, Device device, int rows, int slots, int layers) {
        int hidden = model.config().hiddenSize();
        int total = model.blocks().size();
        long bytes = WeightStore.of(model, layers, device).bytes();
        bytes += Float.BYTES * (2L * rows * hidden + 2L * model.config().vocabSize());
        long widest = 0;
        Set<RopeConfig> ropes = new HashSet<>();
        for (BlockConfig block : model.blocks().subList(total - layers, total)) {
            AttentionConfig attention = Support.attention(block);
            FeedForward.Dense dense = Support.dense(block);
            bytes +=
                    (long) Short.BYTES * slots * attention.kvHeadCount() * (attention.headDim() + attention.valueDim());
            bytes += Float.BYTES * 6L * hidden; // norms and the like
            long queries = (long) attention.headCount() * attention.headDim();
            long inner = dense.up().outputSize();
            widest = Math.max(
                    widest,
                    2 * queries
                            + (long) attention.headCount() * attention.valueDim()
                            + (long) attention.kvHeadCount() * (attention.headDim() + attention.valueDim())
                            + 3 * inner);
            if (attention.rope() != null && ropes.add(attention.rope())) {
                bytes += (long) Float.BYTES * RopeTables.length(attention.rope().dims() / 2, slots);
            }
        }
        return bytes + Float.BYTES * rows * widest;
    }

    /** One line: what runs where. */
    String describe() {
        return layers + " of " + totalLayers + " layers on the device, " + mebibytes(bytes) + " of "
                + mebibytes(available) + ", KV cache for " + slots + " tokens";
    }

    static String mebibytes(long bytes) {
        return Math.ceilDiv(bytes, 1L << 20) + " MiB";
    }
}
