package dev.nibble.cpu;

import dev.nibble.KvCacheType;
import dev.nibble.cpu.kernel.KernelReport;
import dev.nibble.cpu.kernel.Linear;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.MatmulInput;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.op.BlockOp;
import dev.nibble.cpu.op.Rope;
import dev.nibble.cpu.op.RowNorm;
import dev.nibble.cpu.op.TokenInput;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.state.CpuSequence;
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
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The one transformer loop of the CPU backend: embeds the rows, runs the blocks, projects the wanted rows to logits. */
final class CpuForwardPass implements ForwardPass {
    /**
     * Rows of a batch: enough to use each weight often while it is in the cache. Only a model that needs more takes more, and the
     * workspace for these is given back after each batch.
     */
    private static final int MAX_BATCH_ROWS = 512;

    private final Model model;
    private final ModelConfig config;
    private final BlockOp[] blocks; // an array: walking a list allocates its iterator
    private final Rope[] ropes;
    private final TokenInput tokenInput;
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
        BlockCompiler compiler = new BlockCompiler(model, linears, workspace);
        blocks = compiler.compile().toArray(BlockOp[]::new);
        ropes = compiler.ropes().toArray(Rope[]::new);
        tokenInput = new TokenInput(model, linears, workspace);
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

    /** A model that attends in both directions needs all rows of a text in one batch. */
    private static int maxBatchRows(Model model) {
        return model.isCausal()
                ? MAX_BATCH_ROWS
                : Math.max(MAX_BATCH_ROWS, model.config().contextLength());
    }

    @Override
    public Sequence newSequence(int contextLength, KvCacheType type) {
        if (contextLength < 1) {
            throw new IllegalArgumentException("a sequence needs room for at least one token, not " + contextLength);
        }
        if (contextLength > config.maxContextLength()) {
            throw new IllegalArgumentException(
                    "the model can hold " + config.maxContextLength() + " tokens, not " + contextLength);
        }
        sequenceBytes(contextLength, type); // fails where keys or values do not suit the type
        return new CpuSequence(pool, model, contextLength, type, maxBatchRows, ops);
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheType type) {
        return CpuSequence.bytes(model, contextLength, type, maxBatchRows);
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
    public long workspaceBytes() {
        return workspace.bytes(maxBatchRows) + linears.copiedBytes();
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
        WorkerPool.requireStack();
        turn.take(cancelled);
        try {
            check(batch, logits);
            int kept = pass.pool.keep();
            try {
                evaluateInTurn(batch, logits, cancelled);
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
    private void evaluateInTurn(Batch batch, float[] logits, BooleanSupplier cancelled) {
        try {
            pass.begin(batch, observer);
            pass.cancelWhen(cancelled);
            for (int i = 0; i < pass.sequences(); i++) {
                CpuSequence sequence = pass.distinctSequence(i);
                sequence.reserve(sequence.length() + pass.rowsOf(i));
            }
            run(batch, logits);
            for (int i = 0; i < pass.sequences(); i++) {
                pass.distinctSequence(i).commit(pass.rowsOf(i));
            }
        } finally {
            pass.end();
            workspace.giveBack(MAX_BATCH_ROWS);
        }
    }

    private void run(Batch batch, float[] logits) {
        for (Rope rope : ropes) {
            rope.prepare(pass);
        }
        tokenInput.run(pass, batch);
        for (BlockOp block : blocks) {
            pass.checkCancelled();
            pass.pool.letOthers();
            block.run(pass);
        }
        tokenInput.mergeStreams(pass);
        project(batch, logits);
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

    private void check(Batch batch, float[] logits) {
        if (closed) {
            throw new IllegalStateException("the forward pass is closed");
        }
        if (batch.size() < 1 || batch.size() > maxBatchRows) {
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
