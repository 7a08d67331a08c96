package dev.nibble.model;

import java.util.List;

/** Reads the models of one family: hyperparameters, tensors, blocks. */
public interface Architecture {

    /** The values of {@code general.architecture} it reads. */
    List<String> names();

    /**
     * Reads a model.
     *
     * @param source the open file
     * @param contextLength the context it will be run with, where a choice depends on it (LongRoPE); 0 for the model's
     * @throws dev.nibble.ModelFormatException if a key or tensor is missing or has the wrong type or shape
     */
    Model read(ModelSource source, int contextLength);
}
