package dev.nibble.cpu;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.KernelReport;
import dev.nibble.cpu.kernel.LinearSizes;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.memory.ByteCount;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Model;

/**
 * What a model will take beside its mapped weights, known before any of it is allocated.
 *
 * @param weights bytes of the mapped file that are read where they are if nothing is copied
 * @param copies rearranged copies of weights
 * @param leastBuffers of the forward pass, for a short prompt
 * @param buffers of the forward pass, for a long prompt; no more than the Java heap has room for, which is a limit of its own
 * @param leastCache the KV cache of a session at its beginning
 * @param cache the KV cache of a session: of the context that was asked for, else of a usual one
 * @param contextLength that of {@code cache}
 * @param runtime what the JVM will still take for itself
 */
record LoadPlan(
        long weights,
        long copies,
        long leastBuffers,
        long buffers,
        long leastCache,
        long cache,
        int contextLength,
        long runtime) {
    /** Of a session whose context nobody asked for: worth more than copies of the weights. */
    private static final int USUAL_CONTEXT = 2048;

    /** A prompt of a line or two, and the context that holds it. */
    private static final int FEW_ROWS = 32;

    private static final int LEAST_CONTEXT = 256;

    /** Of the vocabulary and its merges in the heap, for each token; most of it is made while the weights are prepared. */
    private static final int TOKENIZER_BYTES = 256;

    /** Compiles the model without weights, which takes no memory. */
    static LoadPlan of(Model model, KernelFamily family, LoadOptions options, WorkerPool pool, SystemMemory system) {
        try (LinearSizes sizes = new LinearSizes(family, options, pool, model.adapters(), system);
                CpuForwardPass pass = new CpuForwardPass(model, pool, new KernelReport(family), sizes)) {
            int own = model.config().contextLength();
            int context = options.contextLength().orElse(Math.min(own, USUAL_CONTEXT));
            Runtime runtime = Runtime.getRuntime();
            long heap = runtime.maxMemory() - runtime.totalMemory() + runtime.freeMemory();
            return new LoadPlan(
                    sizes.weightBytes(),
                    sizes.repackedBytes(),
                    pass.bufferBytes(FEW_ROWS),
                    Math.min(heap, pass.bufferBytes(pass.maxBatchRows())),
                    pass.sequenceBytes(Math.min(context, LEAST_CONTEXT), options.kvCacheTypes()),
                    pass.sequenceBytes(context, options.kvCacheTypes()),
                    context,
                    system.runtimeGrowth()
                            + (long) TOKENIZER_BYTES * model.config().vocabSize());
        }
    }

    /** All that comes beside copies, for comfort. */
    long besides() {
        return buffers + cache + runtime;
    }

    /** All without which nothing runs. */
    long least() {
        return leastBuffers + leastCache + runtime;
    }

    /** {@link #besides} and the copies, part by part. */
    String describe() {
        return ByteCount.text(copies + besides()) + " (copies of weights " + ByteCount.text(copies) + ", buffers "
                + ByteCount.text(buffers) + ", the KV cache of " + contextLength + " tokens " + ByteCount.text(cache)
                + ", the JVM " + ByteCount.text(runtime) + ")";
    }

    /** {@link #least}, part by part. */
    String describeLeast() {
        return ByteCount.text(least()) + " (buffers " + ByteCount.text(leastBuffers) + ", the KV cache of a short text "
                + ByteCount.text(leastCache) + ", the JVM " + ByteCount.text(runtime) + ")";
    }
}
