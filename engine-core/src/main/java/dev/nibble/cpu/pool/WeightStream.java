package dev.nibble.cpu.pool;

import java.lang.foreign.MemorySegment;

/** Weights in the order in which a loop over their outputs reads them. */
public interface WeightStream {
    /** Number of outputs. */
    int rows();

    /** The memory that is read for one output after the other. */
    MemorySegment stream();

    /** The byte of {@link #stream} from which it is read for an output, or for others that are computed together with it. */
    long streamOffset(int output);
}
