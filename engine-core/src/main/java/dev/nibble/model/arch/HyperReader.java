package dev.nibble.model.arch;

import dev.nibble.model.BlockConfig;
import dev.nibble.model.Connection;
import dev.nibble.model.Model.EmbeddingInput;

/** Reads hyper-connections: those of the parts of each block, and what makes one stream of several at the end. */
final class HyperReader {
    /** More streams than any model has. */
    private static final int MAX_STREAMS = 64;

    private final ModelReader reader;
    private final int streams;
    private final float magnitude;
    private final float epsilon;
    private final float postEpsilon;
    private final int rounds;

    /**
     * @param magnitude as {@link Connection.Hyper} has it, like the others
     */
    HyperReader(ModelReader reader, float magnitude, float epsilon, float postEpsilon, int rounds) {
        this.reader = reader;
        this.magnitude = magnitude;
        this.epsilon = epsilon;
        this.postEpsilon = postEpsilon;
        this.rounds = rounds;
        streams = reader.positive("hyper_connection.count");
        if (streams > MAX_STREAMS) {
            throw reader.metadata.failure(
                    reader.key("hyper_connection.count"), "expected up to " + MAX_STREAMS + ", found " + streams);
        }
    }

    /** Those of DeepSeek-V4, which mix the streams. */
    static HyperReader balanced(ModelReader reader) {
        return new HyperReader(
                reader,
                2,
                reader.positiveFloat("hyper_connection.epsilon"),
                0,
                reader.positive("hyper_connection.sinkhorn_iterations"));
    }

    /** Those of a block. */
    BlockConfig.Connections block(int layer) {
        int kinds = rounds == 0 ? 2 : 3;
        return new BlockConfig.Connections(
                read(ModelReader.block(layer, "hc_attn"), kinds), read(ModelReader.block(layer, "hc_ffn"), kinds));
    }

    /** What is before the first block and after the last, where the output norm reads the mean. */
    EmbeddingInput.Connected endsWithMean() {
        return new EmbeddingInput.Connected(streams, new Connection.Mean(streams));
    }

    /** What is before the first block and after the last, with {@code output_hc}. */
    EmbeddingInput.Connected ends() {
        return new EmbeddingInput.Connected(streams, read("output_hc", 1));
    }

    /**
     * @param kinds 1 for what is only read, 2 for what is changed, 3 for streams that are mixed besides
     */
    private Connection.Hyper read(String name, int kinds) {
        int outputs = kinds == 3 ? (2 + streams) * streams : kinds * streams;
        return new Connection.Hyper(
                streams,
                reader.projection(name + "_fn", (long) streams * reader.hiddenSize, outputs),
                reader.vector(name + "_base.weight", outputs),
                reader.vector(name + "_scale.weight", kinds),
                reader.rmsEpsilon(),
                epsilon,
                magnitude,
                postEpsilon,
                kinds == 3 ? rounds : 0);
    }
}
