package dev.nibble.model;

import dev.nibble.tensor.Tensor;
import java.util.Collection;
import java.util.Optional;

/** An open model file: metadata and tensors over memory that stays valid until it is closed. Thread-safe. */
public interface ModelSource extends AutoCloseable {

    /** The file name or another name for messages. */
    String name();

    /** The metadata, keys as in GGUF. */
    Metadata metadata();

    /** All tensors in file order. */
    Collection<Tensor> tensors();

    /** The tensor of this name, as {@code blk.0.attn_q.weight}. */
    Optional<Tensor> tensor(String name);

    /**
     * What changes when the model is written to: size and time of the last change of each of its files; empty if that is
     * not known. It does not depend on where the files lie.
     */
    default String stamp() {
        return "";
    }

    /** Unmaps the file. Tensors must not be used afterwards; later calls do nothing. */
    @Override
    void close();
}
