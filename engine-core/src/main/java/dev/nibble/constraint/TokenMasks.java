package dev.nibble.constraint;

import dev.nibble.constraint.Position.Head;
import dev.nibble.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
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
    // token (TokenMask.exits), continued in the caller's rest; that is kept too.

    final VocabularyTrie trie;
    private final PlainTokens[] plain;

    TokenMasks(VocabularyTrie trie) {
        this.trie = trie;
        plain = new PlainTokens[PlainTokens.ALPHABETS.size()];
        Arrays.setAll(plain, alphabet -> new PlainTokens(trie, alphabet));
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

    /** The tokens that may follow at a position, as the union of these. */
    TokenMask[] parts(WalkState state, MaskCache cache) {
        TokenMask[] known = state.parts;
        if (known == null) {
            List<TokenMask> found = new ArrayList<>();
            for (Head head : state.position.heads) {
                TokenMask mask = mask(head.expr());
                found.add(mask);
                for (Frame frame = head.caller(); frame != null && mask.exits.length > 0; frame = frame.caller) {
                    mask = continued(mask, frame.rest);
                    found.add(mask);
                }
            }
            found.removeIf(TokenMask::isEmpty);
            known = found.toArray(TokenMask[]::new);
            cache.hold(state, known);
        }
        return known;
    }

    /** Whether a token may come at a position that begins with the bytes from {@code from} on and is longer. */
    boolean mayGoOn(WalkState state, MaskCache cache, byte[] bytes, int from) {
        int node = trie.find(bytes, from);
        if (node < 0 || trie.ends[node] == node + 1) {
            return false;
        }
        WalkState at = state;
        for (int i = from; i < bytes.length && at != WalkState.DEAD; i++) {
            at = at.next(bytes[i] & 0xFF, cache);
        }
        return at != WalkState.DEAD && new Walk(cache, trie, 0).findsAny(node, at);
    }

    private TokenMask mask(Expr expr) {
        MaskCache cache = expr.exprs().masks(this);
        TokenMask known = cache.mask(expr);
        if (known == null) {
            Expr key = expr.exprs().clamp(expr, trie.longest);
            known = cache.mask(key);
            if (known == null) {
                known = cache.keep(walked(cache.walkState(Position.unclosed(key)), cache));
            }
            cache.put(expr, known);
            cache.put(key, known);
        }
        return known;
    }

    private TokenMask walked(WalkState start, MaskCache cache) {
        VocabularyTrie left = trie;
        long[] certain = null;
        for (int i = 0; certain == null && i < plain.length; i++) {
            certain = plain[i].after(start, cache);
            left = certain == null ? trie : plain[i].others();
        }
        Walk walk = new Walk(cache, left, words());
        walk.from(0, start);
        walk.add(certain);
        return walk.mask();
    }

    private TokenMask continued(TokenMask mask, Expr rest) {
        MaskCache cache = rest.exprs().masks(this);
        TokenMask known = cache.continued(mask, rest);
        if (known == null) {
            Expr key = rest.exprs().clamp(rest, trie.longest);
            known = cache.continued(mask, key);
            if (known == null) {
                Walk walk = new Walk(cache, mask.trie, words());
                WalkState start = cache.walkState(Position.start(key));
                for (int exit : mask.exits) {
                    if (start.position.complete) {
                        walk.exit(exit);
                    }
                    walk.from(exit, start);
                }
                known = cache.keep(walk.mask());
            }
            cache.putContinued(mask, rest, known);
            cache.putContinued(mask, key, known);
        }
        return known;
    }

    /** One walk through a tree, which collects tokens and exits. */
    private static final class Walk {
        private final MaskCache cache;
        private final VocabularyTrie trie;
        private final long[] found;
        private final WalkState[] path;
        private int[] exits = new int[16];
        private int exitCount;

        /** @param words of what is found; 0 where nothing is collected */
        Walk(MaskCache cache, VocabularyTrie trie, int words) {
            this.cache = cache;
            this.trie = trie;
            found = new long[words];
            path = new WalkState[trie.longest + 1];
        }

        /** Walks through all nodes below {@code root}, where the position is {@code start}. */
        void from(int root, WalkState start) {
            walk(root, start, false);
        }

        /** Whether there is a token below {@code root}, where the position is {@code start}, that may come. */
        boolean findsAny(int root, WalkState start) {
            return walk(root, start, true);
        }

        private boolean walk(int root, WalkState start, boolean untilFound) {
            path[trie.depths[root]] = start;
            int end = trie.ends[root];
            for (int node = root + 1; node < end; ) {
                int depth = trie.depths[node];
                WalkState state = path[depth - 1].next(trie.labels[node] & 0xFF, cache);
                if (state == WalkState.DEAD) {
                    node = trie.ends[node];
                    continue;
                }
                if (untilFound && trie.tokens[node] != VocabularyTrie.NONE) {
                    return true;
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
            return false;
        }

        void exit(int node) {
            if (exitCount == exits.length) {
                exits = Arrays.copyOf(exits, 2 * exitCount);
            }
            exits[exitCount++] = node;
        }

        void add(long @Nullable [] certain) {
            for (int i = 0; certain != null && i < certain.length; i++) {
                found[i] |= certain[i];
            }
        }

        TokenMask mask() {
            return new TokenMask(found, trie, Arrays.copyOf(exits, exitCount));
        }
    }
}
