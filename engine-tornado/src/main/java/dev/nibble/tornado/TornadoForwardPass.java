package dev.nibble.tornado;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.tornado.kernels.Layout;
import dev.nibble.tornado.kernels.OutputKernels;
import java.lang.foreign.Arena;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/**
 * The transformer loop on a device: uploads tokens and positions, runs a graph for each layer, downloads logits. Layers
 * of one shape share a graph, so that few kernels are compiled, whatever the number of layers.
 */
final class TornadoForwardPass implements ForwardPass {
    private static final System.Logger LOG = System.getLogger("dev.nibble.tornado");

    /** Rows of a batch at most. */
    static final int MAX_BATCH_ROWS = 128;

    private final DeviceModel model;
    private final ModelConfig config;
    private final LoadOptions options;
    private final int rows;
    private final KvPages pages;
    private final Map<TornadoSequence, Integer> pageTables = new LinkedHashMap<>();
    private boolean closed;

    private TornadoForwardPass(DeviceModel model, ModelConfig config, LoadOptions options, int rows) {
        this.model = model;
        this.config = config;
        this.options = options;
        this.rows = rows;
        pages = new KvPages(model.plan().slots() / Layout.PAGE);
    }

    /** As {@link #compile(Model, Device, LoadOptions, int)} with batches of {@value #MAX_BATCH_ROWS} rows. */
    static TornadoForwardPass compile(Model model, Device device, LoadOptions options) {
        return compile(model, device, options, MAX_BATCH_ROWS);
    }

    /**
     * Checks, plans and loads a model.
     *
     * @param maxRows rows of a batch at most
     * @throws dev.nibble.UnsupportedModelException if the kernels lack something
     * @throws dev.nibble.OutOfMemoryException if it does not fit
     * @throws IllegalStateException if the device computes wrong results
     */
    @SuppressWarnings("MustBeClosedChecker") // the model on the device closes the arena
    static TornadoForwardPass compile(Model model, Device device, LoadOptions options, int maxRows) {
        Support.check(model, options);
        OffloadPlan plan = OffloadPlan.of(model, options, device, maxRows);
        LOG.log(System.Logger.Level.DEBUG, "{0}: {1}", device.description(), plan.describe());
        Arena arena = Arena.ofShared();
        boolean loaded = false;
        try {
            DeviceModel onDevice = new DeviceModel(model, plan, device, options, maxRows, arena);
            loaded = true;
            return new TornadoForwardPass(onDevice, model.config(), options, maxRows);
        } catch (OutOfMemoryError e) {
            throw new OutOfMemoryException(
                    "TornadoVM keeps what is on the device on the host as well, save weights mapped from the file, "
                            + OffloadPlan.mebibytes(plan.hostBytes())
                            + ", and could not allocate that (" + e.getMessage()
                            + "); -XX:MaxDirectMemorySize limits"
                            + " memory outside the Java heap, by default to the size of the heap, and fewer layers"
                            + " (gpuLayers) need less",
                    e);
        } finally {
            if (!loaded) {
                arena.close();
            }
        }
    }

    /** One line: what runs where, and what was converted. */
    String offload() {
        return model.describe();
    }

    @Override
    public int maxBatchRows() {
        return rows;
    }

    @Override
    public int outputSize() {
        return config.vocabSize();
    }

    /** The positions of the whole KV cache on the device. */
    @Override
    public int maxContextLength() {
        return model.plan().slots();
    }

    @Override
    public Sequence newSequence(int contextLength, KvCacheType type) {
        if (contextLength < 1) {
            throw new IllegalArgumentException("a sequence needs room for at least one token, not " + contextLength);
        }
        Support.checkCache(type);
        CpuLayers cpu = model.cpu();
        return new TornadoSequence(
                this, pages, contextLength, cpu == null ? null : cpu.newSequence(contextLength, options));
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheType type) {
        // the cache on the device is there whatever the sequences, see workspaceBytes
        CpuLayers cpu = model.cpu();
        return cpu == null ? 0 : cpu.sequenceBytes(contextLength, options);
    }

    @Override
    public long workspaceBytes() {
        CpuLayers cpu = model.cpu();
        return model.hostBytes() + (cpu == null ? 0 : cpu.workspaceBytes());
    }

    @Override
    public long releasedBytes() {
        CpuLayers cpu = model.cpu();
        return cpu == null ? 0 : cpu.releasedBytes();
    }

    @Override
    public synchronized void evaluate(Batch batch, float[] logits, BooleanSupplier cancelled) {
        check(batch);
        if (logits.length < (long) batch.outputCount() * outputSize()) {
            throw new IllegalArgumentException("logits has room for " + logits.length + " values, but "
                    + batch.outputCount() + " rows of " + outputSize() + " are wanted");
        }
        runLayers(batch, cancelled);
        project(batch, logits);
        forEachSequence(batch, TornadoSequence::commit);
    }

    /** Unless the logits are capped: the kernels' approximation of that may make two of them equal that are not. */
    @Override
    public boolean canChoose() {
        return config.logitSoftcap() == 0 && config.vocabSize() <= OutputKernels.MAX_TOKENS;
    }

    @Override
    public synchronized void choose(Batch batch, int[] tokens, float[] logProbabilities, BooleanSupplier cancelled) {
        if (!canChoose()) {
            throw new UnsupportedOperationException("the logits of this model are to be fetched");
        }
        check(batch);
        int room = Math.min(tokens.length, logProbabilities.length);
        if (room < batch.outputCount()) {
            throw new IllegalArgumentException(
                    "there is room for " + room + " tokens, but " + batch.outputCount() + " are wanted");
        }
        runLayers(batch, cancelled);
        int at = 0;
        for (int row = 0; row < batch.size(); row++) {
            if (batch.wantsLogits(row)) {
                BestToken best = model.best(row);
                tokens[at] = best.token();
                logProbabilities[at++] = best.logProbability();
            }
        }
        forEachSequence(batch, TornadoSequence::commit);
    }

    /** Everything up to the residual stream that the output reads. */
    private void runLayers(Batch batch, BooleanSupplier cancelled) {
        upload(batch);
        CpuLayers cpu = model.cpu();
        if (cpu != null) {
            float[] residual = new float[batch.size() * config.hiddenSize()];
            cpu.evaluate(batch, residual, cancelled);
            FloatArray entering = model.entering();
            for (int i = 0; i < residual.length; i++) {
                entering.set(i, residual[i]);
            }
            // the CPU's sequences have advanced: from here on there is no way back
            run(batch, () -> false);
        } else {
            run(batch, cancelled);
        }
    }

    /** Writes tokens, positions and page numbers into the array that goes up. */
    private void upload(Batch batch) {
        forEachSequence(batch, (sequence, added) -> sequence.reserve(sequence.length() + added));
        IntArray target = model.buffers().batch();
        target.set(Layout.ROWS, batch.size());
        target.set(Layout.SLOTS, model.plan().slots());
        int end = Layout.BATCH_HEADER + rows * Layout.ROW_SIZE;
        pageTables.clear();
        for (int row = 0; row < batch.size(); row++) {
            TornadoSequence sequence = (TornadoSequence) batch.sequence(row);
            Integer table = pageTables.get(sequence);
            if (table == null) {
                table = end;
                pageTables.put(sequence, table);
                int needed = Math.ceilDiv(batch.position(row) + rows, Layout.PAGE);
                int[] own = sequence.pages();
                for (int i = 0; i < Math.min(needed, own.length); i++) {
                    target.set(end++, own[i]);
                }
            }
            int at = Layout.BATCH_HEADER + row * Layout.ROW_SIZE;
            target.set(at + Layout.TOKEN, batch.token(row));
            target.set(at + Layout.POSITION, batch.position(row));
            target.set(at + Layout.PAGES, table);
        }
        pageTables.clear();
    }

    private void run(Batch batch, BooleanSupplier cancelled) {
        boolean single = batch.size() == 1;
        model.run(single ? model.enterOne() : model.enterMany(), 0, 0);
        for (int layer = 0; layer < model.plan().layers(); layer++) {
            if (cancelled.getAsBoolean()) {
                throw new CancellationException("the evaluation was cancelled");
            }
            model.run(model.layer(layer, single), layer, 0);
        }
    }

    private void project(Batch batch, float[] logits) {
        int at = 0;
        for (int row = 0; row < batch.size(); row++) {
            if (batch.wantsLogits(row)) {
                model.logits(row, logits, at);
                at += config.vocabSize();
            }
        }
        if (config.logitScale() != 1) {
            for (int i = 0; i < at; i++) {
                logits[i] *= config.logitScale();
            }
        }
        if (config.logitSoftcap() != 0) {
            for (int i = 0; i < at; i++) {
                logits[i] = (float) (config.logitSoftcap() * Math.tanh(logits[i] / config.logitSoftcap()));
            }
        }
    }

    private void check(Batch batch) {
        if (closed) {
            throw new IllegalStateException("the forward pass is closed");
        }
        if (batch.size() < 1 || batch.size() > rows) {
            throw new IllegalArgumentException("a batch has 1 to " + rows + " rows, not " + batch.size());
        }
        for (int row = 0; row < batch.size(); row++) {
            if (batch.token(row) < 0 || batch.token(row) >= config.vocabSize()) {
                throw new IllegalArgumentException("row " + row + ": token " + batch.token(row)
                        + " is not in the vocabulary of " + config.vocabSize());
            }
            if (!(batch.sequence(row) instanceof TornadoSequence sequence) || !sequence.isOwnedBy(this)) {
                throw new IllegalArgumentException("row " + row + ": the sequence belongs to another model");
            }
            if (batch.position(row) >= sequence.capacity()) {
                throw new IllegalArgumentException("row " + row + ": position " + batch.position(row)
                        + " does not fit a sequence of " + sequence.capacity());
            }
        }
    }

    private interface SequenceAction {
        void accept(TornadoSequence sequence, int rows);
    }

    /** Calls the action once for each sequence with its number of rows. */
    private static void forEachSequence(Batch batch, SequenceAction action) {
        Map<Sequence, Integer> counts = new LinkedHashMap<>();
        for (int row = 0; row < batch.size(); row++) {
            counts.merge(batch.sequence(row), 1, Integer::sum);
        }
        counts.forEach((sequence, count) -> action.accept((TornadoSequence) sequence, count));
    }

    /** @throws UnsupportedOperationException for an observer: intermediate results stay on the device */
    @Override
    public void observe(@Nullable ActivationObserver observer) {
        if (observer != null) {
            throw new UnsupportedOperationException(
                    "the backend tornado does not report intermediate results; the backend cpu does");
        }
    }

    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            model.close();
        }
    }
}
