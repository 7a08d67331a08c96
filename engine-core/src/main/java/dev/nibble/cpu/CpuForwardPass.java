package dev.nibble.cpu;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.cpu.kernel.KernelReport;
import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.op.RowNorm;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.state.CpuSequence;
import dev.nibble.cpu.state.KeptRows;
import dev.nibble.cpu.state.KvPool;
import dev.nibble.cpu.state.Pass;
import dev.nibble.cpu.state.Workspace;
import dev.nibble.cpu.state.Workspace.Buffer;
import dev.nibble.cpu.state.Workspace.Input;
import dev.nibble.model.MappedMemory;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.Norm;
import dev.nibble.model.Projection;
import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import dev.nibble.spi.SequenceMemory;
import dev.nibble.tensor.DType;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The forward pass of the CPU backend: embeds the rows, runs the blocks, projects the wanted rows to logits. */
final class CpuForwardPass implements ForwardPass {
    /**
     * Rows of a batch: enough to use each weight often while it is in the cache. Only a model that needs more takes more, and the
     * workspace for these is given back after each batch.
     */
    private static final int MAX_BATCH_ROWS = 512;

    private static final float[] NO_LOGITS = {};

    private final Model model;
    private final ModelConfig config;
    private final BlockStack stack;
    private final @Nullable CpuEncoder encoder;
    private final @Nullable Linear output;
    private final Workspace workspace;
    private final Pass pass;
    private final VectorOps ops;
    private final LinearFactory linears;
    private final Map<DType, String> kernels;
    private final int maxBatchRows;
    private final KvPool pool = new KvPool();

    private final Turn turn = new Turn();

    private @Nullable ActivationObserver observer;
    private final boolean batchInvariant;
    private boolean closed;
    private int[] wantedRows = new int[0]; // of the running batch

    CpuForwardPass(Model model, WorkerPool pool, KernelReport family, LinearFactory linears) {
        this.model = model;
        this.config = model.config();
        ops = family.ops();
        maxBatchRows = maxBatchRows(model);
        workspace = new Workspace();
        workspace.reserve(Buffer.RESIDUAL, config.hiddenSize());
        workspace.reserve(Buffer.OUTPUT, config.hiddenSize());
        workspace.reserve(Input.HIDDEN, config.hiddenSize());
        workspace.reserve(Input.LAST, config.hiddenSize());
        stack = new BlockStack(model, linears, workspace);
        Model.Encoder reader = model.encoder();
        if ((reader == null) != stack.crossAttentions().isEmpty()) {
            throw new IllegalArgumentException("an encoder and blocks that read its states need each other");
        }
        encoder = reader == null ? null : new CpuEncoder(reader.model(), stack.crossAttentions(), linears, workspace);
        Projection projection = model.output();
        output = projection == null ? null : linears.create(projection);
        linears.checkAdapters();
        workspace.reserveAdapters(linears.adapterRank());
        pass = new Pass(pool, ops, workspace);
        this.linears = linears;
        kernels = family.descriptions();
        batchInvariant = family.isBatchInvariant();
    }

    @Override
    public int maxBatchRows() {
        return maxBatchRows;
    }

    @Override
    public int outputSize() {
        return output == null ? config.hiddenSize() : config.vocabSize();
    }

    @Override
    public boolean isCausal() {
        return model.isCausal();
    }

    @Override
    public boolean hasEncoder() {
        return encoder != null;
    }

    /** A model that attends in both directions needs all rows of a text in one batch. */
    private static int maxBatchRows(Model model) {
        return model.isCausal()
                ? MAX_BATCH_ROWS
                : Math.max(
                        MAX_BATCH_ROWS,
                        Math.min(model.config().contextLength(), model.config().maxContextLength()));
    }

    @Override
    public Sequence newSequence(int contextLength, KvCacheType type) {
        return newSequence(contextLength, KvCacheTypes.of(type));
    }

    @Override
    public Sequence newSequence(int contextLength, KvCacheTypes types) {
        if (contextLength < 1) {
            throw new IllegalArgumentException("a sequence needs room for at least one token, not " + contextLength);
        }
        if (contextLength > config.maxContextLength()) {
            throw new IllegalArgumentException(
                    "the model can hold " + config.maxContextLength() + " tokens, not " + contextLength);
        }
        sequenceBytes(contextLength, types); // fails where keys or values do not suit the type
        return new CpuSequence(pool, model, contextLength, types, maxBatchRows, ops);
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheType type) {
        return sequenceBytes(contextLength, KvCacheTypes.of(type));
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheTypes types) {
        return CpuSequence.bytes(model, contextLength, types, maxBatchRows);
    }

    @Override
    public boolean hasOverflowed(Sequence sequence) {
        return sequence instanceof CpuSequence own && own.isOwnedBy(pool) && own.hasOverflowed();
    }

    @Override
    public boolean canShare() {
        return true;
    }

    @Override
    public void limit(SequenceMemory memory) {
        pool.limit(memory);
    }

    @Override
    public long heldBytes() {
        return pool.bytes();
    }

    @Override
    public long heldOnlyBy(Collection<Sequence> sequences) {
        return pool.heldOnlyBy(sequences.stream().map(CpuSequence.class::cast).toList());
    }

    @Override
    public long[] freeableBytes(List<Sequence> sequences) {
        return pool.freeableBytes(
                sequences.stream().map(CpuSequence.class::cast).toList());
    }

    @Override
    public long workspaceBytes() {
        int source = encoder == null ? 0 : config.contextLength(); // read at once
        return workspace.bytes(Math.max(maxBatchRows, source)) + linears.copiedBytes();
    }

    @Override
    public long bufferBytes(int rows) {
        return workspace.missingBytes(rows);
    }

    @Override
    public long releasedBytes() {
        return linears.releasedBytes();
    }

    @Override
    public Map<DType, String> kernels() {
        return kernels;
    }

    @Override
    public boolean isBatchInvariant() {
        return batchInvariant;
    }

    @Override
    public void evaluate(Batch batch, float[] logits, BooleanSupplier cancelled) {
        evaluate(batch, logits, null, cancelled);
    }

    @Override
    public void encode(Sequence sequence, int[] source, BooleanSupplier cancelled) {
        if (encoder == null) {
            ForwardPass.super.encode(sequence, source, cancelled);
            return;
        }
        if (!(sequence instanceof CpuSequence target) || !target.isOwnedBy(pool)) {
            throw new IllegalArgumentException("the sequence belongs to another model");
        }
        if (source.length > target.capacity()) {
            throw new IllegalArgumentException(
                    "a source of " + source.length + " tokens does not fit a sequence of " + target.capacity());
        }
        target.beginSource(source.length);
        if (source.length == 0) {
            return;
        }
        boolean read = false;
        try (CpuSequence rows = encoder.newSequence(pool, target, source.length, target.types(), pass)) {
            Batch batch = new Batch(source.length);
            for (int token : source) {
                batch.add(rows, token, false);
            }
            evaluate(batch, NO_LOGITS, target, cancelled);
            target.commitSource(source.length);
            read = true;
        } finally {
            if (!read) {
                target.beginSource(0);
            }
        }
    }

    /**
     * @param reader whose source the rows are; null for rows of texts
     */
    private void evaluate(Batch batch, float[] logits, @Nullable CpuSequence reader, BooleanSupplier cancelled) {
        WorkerPool.requireStack();
        turn.take(cancelled);
        try {
            check(batch, logits, reader == null);
            int kept = pass.pool.keep();
            try {
                evaluateInTurn(batch, logits, reader, cancelled);
            } finally {
                pass.pool.giveBack(kept);
            }
        } catch (InternalError e) {
            throw MappedMemory.translate("the model file", e);
        } finally {
            turn.give();
        }
    }

    /** The sequences change at the end and all at once: a batch that fails or is cancelled leaves each as it was. */
    private void evaluateInTurn(Batch batch, float[] logits, @Nullable CpuSequence reader, BooleanSupplier cancelled) {
        try {
            pass.begin(batch, observer);
            pass.cancelWhen(cancelled);
            for (int i = 0; i < pass.sequences(); i++) {
                CpuSequence sequence = pass.distinctSequence(i);
                sequence.reserve(sequence.length() + pass.rowsOf(i));
            }
            if (reader == null || encoder == null) {
                stack.run(pass, batch);
                project(batch, logits);
                keepStates();
            } else {
                encoder.run(pass, batch, reader);
            }
            for (int i = 0; i < pass.sequences(); i++) {
                pass.distinctSequence(i).commit(pass.rowsOf(i));
            }
        } finally {
            pass.end();
            workspace.giveBack(MAX_BATCH_ROWS);
        }
    }

    /** The states of sequences that keep them; nothing fails or is cancelled from here on. */
    private void keepStates() {
        float[] residual = workspace.get(Buffer.RESIDUAL);
        int hidden = config.hiddenSize();
        Norm norm = model.outputNorm();
        for (int row = 0; row < pass.rows(); row++) {
            CpuSequence sequence = pass.sequence(row);
            KeptRows kept = sequence.keptStates();
            if (kept == null) {
                continue;
            }
            int to = kept.place(pass.position(row));
            if (norm == null || !sequence.keepsNormed()) {
                System.arraycopy(residual, row * hidden, kept.values(), to, hidden);
            } else {
                RowNorm.apply(ops, norm, residual, row * hidden, kept.values(), to);
            }
        }
    }

    /** Final norm and logits of the rows that want them. */
    private void project(Batch batch, float[] logits) {
        if (batch.outputCount() == 0) {
            return;
        }
        float[] residual = workspace.get(Buffer.RESIDUAL);
        MatmulInput last = workspace.get(Input.LAST);
        int hidden = config.hiddenSize();
        int wanted = 0;
        if (wantedRows.length < batch.size()) {
            wantedRows = new int[batch.size()];
        }
        Norm norm = model.outputNorm();
        for (int row = 0; row < batch.size(); row++) {
            if (batch.wantsLogits(row)) {
                if (norm == null) {
                    System.arraycopy(residual, row * hidden, last.values(), wanted * hidden, hidden);
                } else {
                    RowNorm.apply(ops, norm, residual, row * hidden, last.values(), wanted * hidden);
                }
                wantedRows[wanted++] = row;
            }
        }
        if (output == null) {
            System.arraycopy(last.values(), 0, logits, 0, wanted * hidden);
            return;
        }
        last.reset(wanted, hidden);
        last.ofRows(wantedRows);
        output.apply(pass.pool, last, logits, 0, config.vocabSize());
        int count = wanted * config.vocabSize();
        if (config.logitScale() != 1) {
            ops.scale(logits, 0, count, config.logitScale());
        }
        if (config.logitSoftcap() != 0) {
            for (int i = 0; i < count; i++) {
                logits[i] = (float) (config.logitSoftcap() * Math.tanh(logits[i] / config.logitSoftcap()));
            }
        }
    }

    private void check(Batch batch, float[] logits, boolean isText) {
        if (closed) {
            throw new IllegalStateException("the forward pass is closed");
        }
        if (batch.size() < 1 || (isText && batch.size() > maxBatchRows)) {
            throw new IllegalArgumentException("a batch has 1 to " + maxBatchRows + " rows, not " + batch.size());
        }
        if (logits.length < (long) batch.outputCount() * outputSize()) {
            throw new IllegalArgumentException("logits has room for " + logits.length + " values, but "
                    + batch.outputCount() + " rows of " + outputSize() + " are wanted");
        }
        for (int row = 0; row < batch.size(); row++) {
            if (batch.token(row) < 0 || batch.token(row) >= config.vocabSize()) {
                throw new IllegalArgumentException("row " + row + ": token " + batch.token(row)
                        + " is not in the vocabulary of " + config.vocabSize());
            }
            if (!(batch.sequence(row) instanceof CpuSequence sequence) || !sequence.isOwnedBy(pool)) {
                throw new IllegalArgumentException("row " + row + ": the sequence belongs to another model");
            }
            if (batch.position(row) >= sequence.capacity()) {
                throw new IllegalArgumentException("row " + row + ": position " + batch.position(row)
                        + " does not fit a sequence of " + sequence.capacity());
            }
            float[] state = batch.state(row);
            boolean readsStates = model.embeddingInput() instanceof Model.EmbeddingInput.Joined;
            if (readsStates != (state != null) || state != null && state.length != config.hiddenSize()) {
                throw new IllegalArgumentException("row " + row + ": "
                        + (readsStates ? "a state of " + config.hiddenSize() + " values" : "no state")
                        + " was expected");
            }
            if (isText && encoder != null && sequence.sourceLength() == 0) {
                throw new IllegalArgumentException("row " + row + ": the sequence has no source to answer");
            }
        }
    }

    @Override
    public void observe(@Nullable ActivationObserver newObserver) {
        turn.take(() -> false);
        try {
            observer = newObserver;
        } finally {
            turn.give();
        }
    }

    @Override
    public void close() {
        turn.take(() -> false);
        try {
            if (!closed) {
                closed = true;
                workspace.clear();
                linears.close();
            }
        } finally {
            turn.give();
        }
    }
}
