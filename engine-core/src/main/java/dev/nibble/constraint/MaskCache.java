package dev.nibble.constraint;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * What is kept for the expressions of one constraint, or for those that all constraints share, and one vocabulary. It belongs to
 * the expressions, so that it goes when they go. Bounded; thread-safe.
 */
final class MaskCache {
    /** Bytes of masks that are kept; beyond, all are dropped and made again when needed. The same for masks held by states. */
    private static final long MAX_BYTES = 32L << 20;
    /** States that are kept, with up to 1 KB of transitions each. */
    private static final int MAX_STATES = 30_000;

    /** What is reached behind the exits of a mask in the rest of a caller. */
    private record Continuation(TokenMask mask, Expr rest) {}

    private volatile Map<Expr, TokenMask> masks = new ConcurrentHashMap<>();
    private volatile Map<Continuation, TokenMask> continued = new ConcurrentHashMap<>();
    private volatile Map<Position, WalkState> states = new ConcurrentHashMap<>();
    private final AtomicLong bytes = new AtomicLong();
    private final AtomicLong heldBytes = new AtomicLong();

    /** The tokens that may follow an expression, null if that is not known. */
    @Nullable TokenMask mask(Expr expr) {
        return masks.get(expr);
    }

    void put(Expr expr, TokenMask mask) {
        masks.put(expr, mask);
    }

    /** What follows the exits of a mask, null if that is not known. */
    @Nullable TokenMask continued(TokenMask mask, Expr rest) {
        return continued.get(new Continuation(mask, rest));
    }

    void putContinued(TokenMask mask, Expr rest, TokenMask found) {
        continued.put(new Continuation(mask, rest), found);
    }

    /** Counts a mask before it is put. */
    TokenMask keep(TokenMask made) {
        if (bytes.addAndGet(made.bytes()) > MAX_BYTES) {
            masks = new ConcurrentHashMap<>();
            continued = new ConcurrentHashMap<>();
            bytes.set(made.bytes());
            forgetStates();
        }
        return made;
    }

    /** Lets a state hold masks. */
    void hold(WalkState state, TokenMask[] parts) {
        long size = 0;
        for (TokenMask part : parts) {
            size += part.bytes();
        }
        if (heldBytes.addAndGet(size) > MAX_BYTES) {
            forgetStates();
            heldBytes.set(size);
        }
        state.parts = parts;
    }

    /** The state of a position. */
    WalkState walkState(Position position) {
        if (position.isDead()) {
            return WalkState.DEAD;
        }
        if (states.size() > MAX_STATES) {
            forgetStates();
        }
        return states.computeIfAbsent(position, WalkState::new);
    }

    /** States lead to one another: each forgets the others, so that one that is in use does not keep all. */
    private void forgetStates() {
        Map<Position, WalkState> forgotten = states;
        states = new ConcurrentHashMap<>();
        heldBytes.set(0);
        forgotten.values().forEach(WalkState::forget);
    }
}
