package dev.nibble.testdata;

import dev.nibble.KvCacheType;
import dev.nibble.spi.ActivationObserver;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** The forward pass of a model with an encoder whose sequences all answer the same source. */
record AnsweringPass(ForwardPass pass, int[] source) implements ForwardPass {

    @Override
    public Sequence newSequence(int contextLength, KvCacheType type) {
        Sequence sequence = pass.newSequence(contextLength, type);
        pass.encode(sequence, source, () -> false);
        return sequence;
    }

    @Override
    public int maxBatchRows() {
        return pass.maxBatchRows();
    }

    @Override
    public int outputSize() {
        return pass.outputSize();
    }

    @Override
    public long sequenceBytes(int contextLength, KvCacheType type) {
        return pass.sequenceBytes(contextLength, type);
    }

    @Override
    public long workspaceBytes() {
        return pass.workspaceBytes();
    }

    @Override
    public void evaluate(Batch batch, float[] logits, BooleanSupplier cancelled) {
        pass.evaluate(batch, logits, cancelled);
    }

    @Override
    public void observe(@Nullable ActivationObserver observer) {
        pass.observe(observer);
    }

    @Override
    public void close() {
        pass.close();
    }
}
