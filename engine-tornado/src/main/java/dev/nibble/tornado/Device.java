package dev.nibble.tornado;

import java.util.List;

/** What runs launches: a device of TornadoVM, or an emulation in tests. */
interface Device {

    /** One line: its name and driver. */
    String description();

    /** Bytes of its memory that may be used. */
    long memory();

    /** Bytes one array may have. */
    long maxArrayBytes();

    /** Bytes of an array that a matrix may be spread over by rows; smaller in tests only. */
    default long maxPieceBytes() {
        return maxArrayBytes();
    }

    /**
     * Prepares graphs to run.
     *
     * @param constants arrays uploaded once, which all graphs may read
     * @param buffers arrays that live on the device only, which all graphs may read and write
     * @param graphs what can be run; a graph's uploads that follow graphs read too are in {@code passedOn}
     * @param passedOn arrays that the first graph uploads at each run and the following graphs read
     * @throws dev.nibble.OutOfMemoryException if the device cannot hold the arrays
     */
    Program prepare(List<Object> constants, List<Object> buffers, List<Graph> graphs, List<Object> passedOn);

    /** Graphs ready to run. */
    interface Program extends AutoCloseable {

        /** Runs the graph and waits for it. */
        void run(Graph graph);

        /** Frees the arrays on the device. */
        @Override
        void close();
    }
}
