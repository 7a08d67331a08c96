package dev.nibble.embedding;

import dev.nibble.KvCacheType;
import dev.nibble.NibbleException;
import dev.nibble.OutOfMemoryException;
import dev.nibble.memory.MemoryBudget;
import dev.nibble.memory.MemoryFailure;
import dev.nibble.model.Model;
import dev.nibble.model.Model.Pooling;
import dev.nibble.model.Projection;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.BooleanSupplier;

/**
 * Evaluates token sequences and makes embeddings of the states of their tokens. Short texts are evaluated together.
 * Thread-safe.
 */
public final class TextEmbedder {
    /** Rows evaluated together: enough to use each weight often; only a longer text makes a larger batch. */
    private static final int GROUP_ROWS = 512;

    private final ForwardPass pass;
    private final Pooling modelPooling;
    private final List<Projection> layers;
    private final int hiddenSize;
    private final boolean normalize;
    private final MemoryBudget memory;

    /**
     * @param pass the compiled form of {@code model}
     * @param model with a pooling
     * @param normalize whether embeddings get the length 1
     * @param memory from which keys and values are taken while texts are evaluated
     */
    public TextEmbedder(ForwardPass pass, Model model, boolean normalize, MemoryBudget memory) {
        this.pass = pass;
        this.memory = memory;
        this.normalize = normalize;
        modelPooling = Objects.requireNonNull(model.pooling(), "pooling");
        layers = model.embeddingLayers();
        hiddenSize = model.config().hiddenSize();
    }

    /** Elements of an embedding. */
    public int dimensions() {
        return layers.isEmpty() ? hiddenSize : layers.getLast().outputSize();
    }

    /** How the model makes one embedding of a text. */
    public Pooling pooling() {
        return modelPooling;
    }

    /**
     * Embeds texts, each with at least one token and not longer than the context.
     *
     * @param pooling that of the model, or none
     * @return for each text [dimensions] or, without pooling, [tokens, dimensions]
     * @throws OutOfMemoryException if there is no memory for the longest of them
     * @throws NibbleException if an embedding is no numbers
     * @throws java.util.concurrent.CancellationException when cancelled
     */
    public List<float[]> embed(List<int[]> texts, Pooling pooling, BooleanSupplier cancelled) {
        List<float[]> embeddings = new ArrayList<>(texts.size());
        for (int from = 0; from < texts.size(); ) {
            int to = from;
            int rows = 0;
            while (to < texts.size() && (to == from || rows + texts.get(to).length <= GROUP_ROWS)) {
                rows += texts.get(to++).length;
            }
            try {
                embeddings.addAll(embedGroup(texts.subList(from, to), rows, pooling, cancelled));
            } catch (OutOfMemoryError e) {
                throw MemoryFailure.of(
                        e,
                        "the sequences to embed " + rows + " tokens",
                        pass.sequenceBytes(rows, KvCacheType.F32),
                        "the buffers to embed " + rows + " tokens",
                        pass.bufferBytes(rows));
            }
            from = to;
        }
        return embeddings;
    }

    private List<float[]> embedGroup(List<int[]> texts, int rows, Pooling pooling, BooleanSupplier cancelled) {
        List<PooledStates> pooled = new ArrayList<>(texts.size());
        List<Sequence> sequences = new ArrayList<>(texts.size());
        long bytes = 0;
        for (int[] tokens : texts) {
            bytes += pass.sequenceBytes(tokens.length, KvCacheType.F32);
        }
        memory.take(bytes, "what embedding " + rows + " tokens keeps of them");
        try {
            Batch batch = new Batch(Math.min(rows, pass.maxBatchRows()));
            List<PooledStates> targets = new ArrayList<>();
            for (int[] tokens : texts) {
                Sequence sequence = pass.newSequence(tokens.length, KvCacheType.F32);
                sequences.add(sequence);
                PooledStates states = new PooledStates(pooling, tokens.length, hiddenSize);
                pooled.add(states);
                for (int i = 0; i < tokens.length; i++) {
                    if (batch.size() == batch.capacity()) {
                        evaluate(batch, targets, cancelled);
                    }
                    batch.add(sequence, tokens[i], states.needs(i));
                    if (states.needs(i)) {
                        targets.add(states);
                    }
                }
            }
            evaluate(batch, targets, cancelled);
        } finally {
            sequences.forEach(Sequence::close);
            memory.giveBack(bytes);
        }
        return finish(pooled);
    }

    /** Evaluates the batch, hands each wanted state to its target, and empties both. */
    private void evaluate(Batch batch, List<PooledStates> targets, BooleanSupplier cancelled) {
        float[] states = new float[Math.multiplyExact(targets.size(), hiddenSize)];
        pass.evaluate(batch, states, cancelled);
        for (int i = 0; i < targets.size(); i++) {
            targets.get(i).add(states, i * hiddenSize);
        }
        batch.clear();
        targets.clear();
    }

    /** What follows the pooling: linear maps and the normalization. */
    private List<float[]> finish(List<PooledStates> pooled) {
        List<float[]> embeddings = pooled.stream().map(PooledStates::result).toList();
        for (Projection layer : layers) {
            embeddings = DenseLayer.apply(layer, embeddings);
        }
        embeddings.forEach(TextEmbedder::requireNumbers);
        if (normalize) {
            embeddings.forEach(this::normalize);
        }
        return embeddings;
    }

    /** The KV cache is of 32-bit floats, so that it is nothing to blame. */
    private static void requireNumbers(float[] embedding) {
        for (float value : embedding) {
            if (!Float.isFinite(value)) {
                throw new NibbleException(
                        "an embedding holds what is no number (NaN or infinity); the file may be damaged");
            }
        }
    }

    /** Gives each embedding the Euclidean length 1; zeros stay zeros. */
    private void normalize(float[] embeddings) {
        int size = dimensions();
        for (int at = 0; at < embeddings.length; at += size) {
            double squares = 0;
            for (int i = at; i < at + size; i++) {
                squares += (double) embeddings[i] * embeddings[i];
            }
            double factor = squares > 0 ? 1 / Math.sqrt(squares) : 0;
            for (int i = at; i < at + size; i++) {
                embeddings[i] = (float) (embeddings[i] * factor);
            }
        }
    }
}
