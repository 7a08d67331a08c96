package dev.nibble.constraint;

import dev.nibble.constraint.Position.Head;
import dev.nibble.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of a vocabulary as constraints see them, and which of them may follow where: found once for each part of a
 * constraint and kept. Made once for a vocabulary, for all constraints and all generations. Thread-safe.
 *
 * <p>Of the tokens, those count that stand for text, and control tokens where a constraint {@linkplain Constraint#mark asks for
 * them}. Those that end a generation do not: where a text may end is said by {@link Matcher#isComplete}.
 */
public final class TokenMasks {
    // What a token does beyond the end of an expression is found from the places where the expression may end within a
    // token (Mask.exits), continued in the caller's rest; that is kept too.

    /** Bytes of masks that a constraint keeps; beyond, all are dropped and made again when needed. */
    private static final long MAX_BYTES = 32L << 20;
    /** Positions of walks that a constraint keeps, with up to 1 KB of transitions each. */
    private static final int MAX_WALK_STATES = 30_000;

    /** Tokens that may follow an expression, as a set of bits or, where they are few, as a list. */
    static final class Mask {
        final long @Nullable [] bits;
        final int[] list;
        /** Nodes of the tree after whose bytes the expression may have ended. */
        final int[] exits;

        Mask(long[] all, int[] exits) {
            int count = 0;
            for (long word : all) {
                count += Long.bitCount(word);
            }
            this.exits = exits;
            if (count < all.length) {
                bits = null;
                list = new int[count];
                int at = 0;
                for (int word = 0; word < all.length; word++) {
                    for (long left = all[word]; left != 0; left &= left - 1) {
                        list[at++] = 64 * word + Long.numberOfTrailingZeros(left);
                    }
                }
            } else {
                bits = all;
                list = new int[0];
            }
        }

        long bytes() {
            return 200 + 8L * (bits == null ? 0 : bits.length) + 4L * (list.length + exits.length);
        }

        void addTo(long[] mask) {
            if (bits != null) {
                for (int i = 0; i < mask.length; i++) {
                    mask[i] |= bits[i];
                }
            }
            for (int token : list) {
                mask[token >> 6] |= 1L << token;
            }
        }
    }

    /** A position of a walk through the tree, with the positions after each byte as far as they were walked to. */
    private static final class WalkState {
        final Position position;
        private final WalkState[] next = new WalkState[256];

        WalkState(Position position) {
            this.position = position;
        }
    }

    /** What is reached behind the exits of a mask in the rest of a caller. */
    private record Continuation(Mask mask, Expr rest) {}

    /**
     * What is kept for the expressions of one constraint, or for those that all constraints share. It belongs to them, so that
     * it goes when they go.
     */
    static final class Cache {
        private volatile Map<Expr, Mask> masks = new ConcurrentHashMap<>();
        private volatile Map<Continuation, Mask> continued = new ConcurrentHashMap<>();
        private volatile Map<Position, WalkState> walkStates = new ConcurrentHashMap<>();
        private final AtomicLong bytes = new AtomicLong();

        private Mask keep(Mask made) {
            if (bytes.addAndGet(made.bytes()) > MAX_BYTES) {
                masks = new ConcurrentHashMap<>();
                continued = new ConcurrentHashMap<>();
                bytes.set(made.bytes());
            }
            return made;
        }

        private WalkState walkState(Position position) {
            if (position.isDead()) {
                return DEAD;
            }
            Map<Position, WalkState> states = walkStates;
            if (states.size() > MAX_WALK_STATES) {
                states = new ConcurrentHashMap<>();
                walkStates = states;
            }
            return states.computeIfAbsent(position, WalkState::new);
        }
    }

    private static final WalkState DEAD = new WalkState(Position.DEAD);

    final VocabularyTrie trie;

    TokenMasks(VocabularyTrie trie) {
        this.trie = trie;
    }

    /** Those of a tokenizer's vocabulary: some tenths of a second for the largest. */
    public static TokenMasks of(Tokenizer tokenizer) {
        return new TokenMasks(VocabularyTrie.of(tokenizer));
    }

    /**
     * The bytes that a token stands for, as a copy; empty for one that constraints do not know. Those of a control token are
     * its text between two bytes 0xFF, which no text has.
     */
    public byte[] bytes(int token) {
        return trie.bytes(token).clone();
    }

    /** Words of a mask. */
    int words() {
        return trie.size() + 63 >> 6;
    }

    /** Adds the tokens that may follow at {@code position} to the set of bits. */
    void add(Position position, long[] mask) {
        for (Head head : position.heads) {
            Mask found = mask(head.expr());
            found.addTo(mask);
            for (Frame frame = head.caller(); frame != null && found.exits.length > 0; frame = frame.caller) {
                found = continued(found, frame.rest);
                found.addTo(mask);
            }
        }
    }

    /** Whether a token may come at {@code position} that begins with the bytes from {@code from} on and is longer. */
    boolean mayGoOn(Position position, byte[] bytes, int from) {
        int node = trie.find(bytes, from);
        if (node < 0 || trie.ends[node] == node + 1) {
            return false;
        }
        long[] mask = new long[words()];
        add(position, mask);
        for (int longer = node + 1; longer < trie.ends[node]; longer++) {
            int token = trie.tokens[longer];
            if (token != VocabularyTrie.NONE && (mask[token >> 6] >>> token & 1) != 0) {
                return true;
            }
        }
        return false;
    }

    private Mask mask(Expr expr) {
        Cache cache = expr.exprs().masks(this);
        Mask known = cache.masks.get(expr);
        if (known == null) {
            Expr key = expr.exprs().clamp(expr, trie.longest);
            known = cache.masks.get(key);
            if (known == null) {
                Walk walk = new Walk(cache);
                walk.from(0, cache.walkState(Position.unclosed(key)));
                known = cache.keep(walk.mask());
            }
            cache.masks.put(expr, known);
            cache.masks.put(key, known);
        }
        return known;
    }

    private Mask continued(Mask mask, Expr rest) {
        Cache cache = rest.exprs().masks(this);
        Mask known = cache.continued.get(new Continuation(mask, rest));
        if (known == null) {
            Expr key = rest.exprs().clamp(rest, trie.longest);
            known = cache.continued.get(new Continuation(mask, key));
            if (known == null) {
                Walk walk = new Walk(cache);
                WalkState start = cache.walkState(Position.start(key));
                for (int exit : mask.exits) {
                    if (start.position.complete) {
                        walk.exit(exit);
                    }
                    walk.from(exit, start);
                }
                known = cache.keep(walk.mask());
            }
            cache.continued.put(new Continuation(mask, rest), known);
            cache.continued.put(new Continuation(mask, key), known);
        }
        return known;
    }

    /** One walk through the tree, which collects tokens and exits. */
    private final class Walk {
        private final long[] found = new long[words()];
        private final WalkState[] path = new WalkState[trie.longest + 1];
        private int[] exits = new int[16];
        private int exitCount;
        private final Cache cache;

        Walk(Cache cache) {
            this.cache = cache;
        }

        /** Walks through all nodes below {@code root}, where the position is {@code start}. */
        void from(int root, WalkState start) {
            int base = trie.depths[root];
            path[base] = start;
            int end = trie.ends[root];
            for (int node = root + 1; node < end; ) {
                int depth = trie.depths[node];
                WalkState state = step(path[depth - 1], trie.labels[node] & 0xFF);
                if (state == DEAD) {
                    node = trie.ends[node];
                    continue;
                }
                for (int token = trie.tokens[node]; token != VocabularyTrie.NONE; token = trie.same[token]) {
                    found[token >> 6] |= 1L << token;
                }
                if (state.position.complete) {
                    exit(node);
                }
                if (state.position.heads.length == 0) {
                    node = trie.ends[node];
                } else {
                    path[depth] = state;
                    node++;
                }
            }
        }

        private WalkState step(WalkState from, int b) {
            WalkState known = from.next[b];
            if (known == null) {
                known = cache.walkState(from.position.next(b));
                from.next[b] = known;
            }
            return known;
        }

        void exit(int node) {
            if (exitCount == exits.length) {
                exits = Arrays.copyOf(exits, 2 * exitCount);
            }
            exits[exitCount++] = node;
        }

        Mask mask() {
            return new Mask(found, Arrays.copyOf(exits, exitCount));
        }
    }
}
