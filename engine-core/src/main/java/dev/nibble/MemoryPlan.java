package dev.nibble;

import java.util.OptionalLong;

/**
 * The memory a process with a model and one session of it needs, in bytes.
 *
 * @param weights bytes of the mapped file that hold weights, without those of which only copies are read: shared, and the
 *     system may drop and reread them
 * @param workspace allocated once for the model: buffers of the forward pass, rearranged or converted copies of
 *     weights
 * @param contextLength the context the session was planned for
 * @param kvCache allocated for each session of that context
 * @param runtime what the Java virtual machine takes for itself, now and about as much as it will grow: heap, classes,
 *     compiled code, stacks. Where the system does not say, the heap it has
 * @param available what the system or the container can still give without swapping, if it says
 */
public record MemoryPlan(
        long weights, long workspace, int contextLength, long kvCache, long runtime, OptionalLong available) {

    /** All of it: weights, workspace, one session and the virtual machine. */
    public long total() {
        return weights + workspace + kvCache + runtime;
    }
}
