package dev.nibble.spi;

import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;

/** An opened backend: its threads, its device. */
public interface Backend extends AutoCloseable {

    /** One line for logs and {@code inspect}: backend, device or vector width, threads. */
    String description();

    /**
     * Prepares a model to run. The weights are used where they are; they must outlive the result.
     *
     * @throws dev.nibble.UnsupportedModelException if the model needs what this backend lacks, named in the message
     * @throws java.util.concurrent.CancellationException if the thread is interrupted; it stays so
     */
    ForwardPass compile(Model model);

    /**
     * As {@link #compile(Model)}, for a backend that keeps something for later loads of the same file.
     *
     * @param source what the model was read from
     */
    default ForwardPass compile(Model model, ModelSource source) {
        return compile(model);
    }

    /** Ends its threads. */
    @Override
    void close();
}
