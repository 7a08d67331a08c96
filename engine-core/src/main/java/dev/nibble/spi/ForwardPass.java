package dev.nibble.spi;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A model ready to be evaluated. Thread-safe: concurrent calls wait for each other or run side by side. */
public interface ForwardPass extends AutoCloseable {

    /** Rows that one {@link #evaluate} call takes at most; longer prompts go in chunks. */
    int maxBatchRows();

    /** Values of an output row: the vocabulary size, or the hidden size for a model with a pooling. */
    int outputSize();

    /** Whether each token sees only itself and those before it. If not, a text is evaluated in one batch, and from its beginning. */
    default boolean isCausal() {
        return true;
    }

    /** Whether each sequence needs a source, which {@link #encode} reads, before its tokens can be evaluated. */
    default boolean hasEncoder() {
        return false;
    }

    /**
     * An empty sequence.
     *
     * @param contextLength tokens it can hold
     */
    Sequence newSequence(int contextLength, KvCacheType type);

    /**
     * Likewise with a type for keys and one for values.
     *
     * @throws UnsupportedModelException if the backend keeps both alike, and they are to differ
     */
    default Sequence newSequence(int contextLength, KvCacheTypes types) {
        return newSequence(contextLength, requireSame(types));
    }

    private static KvCacheType requireSame(KvCacheTypes types) {
        if (!types.areSame()) {
            throw new UnsupportedModelException("the backend keeps keys and values in one type, not as " + types
                    + "; ask for one type for both, or for the backend cpu");
        }
        return types.keys();
    }

    /**
     * Whether sequences can share memory, be saved and restored, and {@link #limit} is heeded.
     *
     * @see Sequence#share
     */
    default boolean canShare() {
        return false;
    }

    /** Has somebody asked, from now on, before sequences take memory. Of no effect unless {@link #canShare}. */
    default void limit(SequenceMemory memory) {}

    /** Bytes that all sequences hold now, what they share counted once; 0 unless {@link #canShare}. */
    default long heldBytes() {
        return 0;
    }

    /** Of these, the bytes that would be freed if some sequences were closed, which nobody evaluates now. */
    default long heldOnlyBy(Collection<Sequence> sequences) {
        return 0;
    }

    /** For each of some sequences, the bytes it holds and that nobody but these sequences holds. */
    default long[] freeableBytes(List<Sequence> sequences) {
        return new long[sequences.size()];
    }

    /** Tokens that a sequence can hold at most, where the backend reserves memory for them when it is loaded. */
    default int maxContextLength() {
        return Integer.MAX_VALUE;
    }

    /** Bytes {@link #newSequence} allocates for these arguments. */
    long sequenceBytes(int contextLength, KvCacheType type);

    /** Likewise with a type for keys and one for values. */
    default long sequenceBytes(int contextLength, KvCacheTypes types) {
        return sequenceBytes(contextLength, requireSame(types));
    }

    /**
     * Whether a sequence holds infinities because keys or values are too large for the type of its KV cache. Looks at all of
     * it: for explaining logits that are no numbers. False if the backend cannot say.
     */
    default boolean hasOverflowed(Sequence sequence) {
        return false;
    }

    /**
     * Bytes allocated beside the mapped weights and the sequences, at most: workspace of the largest batch, rearranged or
     * converted weights.
     */
    long workspaceBytes();

    /**
     * Bytes that evaluating batches of so many rows will still allocate beside their sequences: buffers that are not there
     * from earlier batches.
     */
    default long bufferBytes(int rows) {
        return 0;
    }

    /** Bytes of the mapped weights that need no memory, as only copies of them are read. */
    default long releasedBytes() {
        return 0;
    }

    /**
     * How the weights of each tensor type are multiplied, in a few words for {@code inspect}; with the word {@code
     * scalar} where the type has no fast kernel. Empty if the backend does not say.
     */
    default Map<DType, String> kernels() {
        return Map.of();
    }

    /** Whether the outputs of a row are the same to the last bit whatever rows are evaluated with it. */
    default boolean isBatchInvariant() {
        return false;
    }

    /**
     * Evaluates the rows of a batch and advances their sequences.
     *
     * @param batch one or more rows; the rows of one sequence are in order and continue it
     * @param logits receives [batch.outputCount(), outputSize()], a row for each row of the batch that wants it: logits,
     *     or the normalized hidden state for a model with a pooling
     * @param cancelled asked between layers, and while the call waits for its turn, always by the calling thread, whose
     *     interrupt may be what it tells; when it says true the sequences stay as they were before the call
     * @throws java.util.concurrent.CancellationException when cancelled
     * @throws IllegalArgumentException if a token is outside the vocabulary or a row does not fit its sequence
     * @throws IllegalStateException if the observer or {@code cancelled} calls this method of a pass that can do one evaluation at
     *     a time
     */
    void evaluate(Batch batch, float[] logits, BooleanSupplier cancelled);

    /**
     * Reads a source, the text that a sequence answers: its tokens see all of it from then on. What the sequence held is forgotten.
     *
     * @param source not more tokens than the sequence can hold; none to forget only
     * @param cancelled as for {@link #evaluate}
     * @throws java.util.concurrent.CancellationException when cancelled; the sequence holds nothing then, as after every failure
     * @throws IllegalArgumentException if a token is outside the vocabulary or there are too many
     * @throws UnsupportedOperationException unless {@link #hasEncoder}
     */
    default void encode(Sequence sequence, int[] source, BooleanSupplier cancelled) {
        throw new UnsupportedOperationException("the model has no encoder: its sequences have no source");
    }

    /**
     * Whether {@link #choose} spares something: the logits lie where fetching them all costs. Without it, the caller
     * chooses from the logits itself.
     */
    default boolean canChoose() {
        return false;
    }

    /**
     * As {@link #evaluate}, but of each row that wants logits only the most probable token is handed out, the lowest id
     * among equals.
     *
     * @param tokens receives [batch.outputCount()] ids
     * @param logProbabilities receives [batch.outputCount()], the natural logarithms of their probabilities; NaN where the
     *     logits hold no usable number, and the id means nothing then
     * @throws UnsupportedOperationException unless {@link #canChoose}
     */
    default void choose(Batch batch, int[] tokens, float[] logProbabilities, BooleanSupplier cancelled) {
        throw new UnsupportedOperationException("this backend hands out logits only");
    }

    /** Reports every named intermediate result from now on, or none with null. For finding differences, slow. */
    void observe(@Nullable ActivationObserver observer);

    /** Frees the workspace. Sequences are closed by their owners. */
    @Override
    void close();
}
