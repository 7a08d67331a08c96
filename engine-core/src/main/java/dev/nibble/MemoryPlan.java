package dev.nibble;

import java.util.OptionalLong;

/**
 * The memory a model and one session of it need, in bytes.
 *
 * @param weights bytes of the mapped file that hold weights, without those of which only copies are read: shared, and the
 *     system may drop and reread them
 * @param workspace allocated once for the model: buffers of the forward pass, rearranged or converted copies of
 *     weights
 * @param contextLength the context the session was planned for
 * @param kvCache allocated for each session of that context
 * @param available what the system or the container can still give without swapping, if it says
 */
public record MemoryPlan(long weights, long workspace, int contextLength, long kvCache, OptionalLong available) {

    /** All of it: weights, workspace and one session. */
    public long total() {
        return weights + workspace + kvCache;
    }
}
