package dev.nibble;

import java.util.OptionalLong;

/** The memory a process with a model and one session of it needs, in bytes. Immutable. */
public final class MemoryPlan {
    private final long weights;
    private final long workspace;
    private final int contextLength;
    private final long kvCache;
    private final long runtime;
    private final OptionalLong available;

    MemoryPlan(long weights, long workspace, int contextLength, long kvCache, long runtime, OptionalLong available) {
        this.weights = weights;
        this.workspace = workspace;
        this.contextLength = contextLength;
        this.kvCache = kvCache;
        this.runtime = runtime;
        this.available = available;
    }

    /**
     * Bytes of the mapped file that hold weights, without those of which only copies are read: shared, and the system may
     * drop and reread them.
     */
    public long weights() {
        return weights;
    }

    /** Allocated once for the model: buffers of the forward pass, rearranged or converted copies of weights. */
    public long workspace() {
        return workspace;
    }

    /** The context the session was planned for, in tokens. */
    public int contextLength() {
        return contextLength;
    }

    /** Allocated for each session of that context. */
    public long kvCache() {
        return kvCache;
    }

    /**
     * What the Java virtual machine takes for itself, now and about as much as it will grow: heap, classes, compiled code,
     * stacks. Where the system does not say, the heap it has.
     */
    public long runtime() {
        return runtime;
    }

    /** What the system or the container can still give without swapping, if it says. */
    public OptionalLong available() {
        return available;
    }

    /** All of it: weights, workspace, one session and the virtual machine. */
    public long total() {
        return weights + workspace + kvCache + runtime;
    }

    @Override
    public String toString() {
        return "MemoryPlan[" + total() + " bytes with a context of " + contextLength + " tokens: weights " + weights
                + ", workspace " + workspace + ", KV cache " + kvCache + ", Java virtual machine " + runtime
                + ", available " + (available.isPresent() ? available.getAsLong() : "unknown") + "]";
    }
}
