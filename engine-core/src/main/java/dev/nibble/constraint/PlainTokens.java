package dev.nibble.constraint;

import dev.nibble.constraint.Expr.Kind;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/**
 * The tokens of whole characters of an alphabet. Where an expression allows every text of such characters, or every one up to a
 * length and none beyond, they need not be walked through: only the others. Thread-safe.
 */
final class PlainTokens {
    /** What any JSON string may have, so nearly all of a vocabulary: but for what a dot of a pattern leaves out. */
    private static final CodePointSet UNESCAPED = CodePointSet.ALL
            .minus(CodePointSet.range(0, 0x1F))
            .minus(CodePointSet.of('"'))
            .minus(CodePointSet.of('\\'))
            .minus(CodePointSet.range(0x7F, 0x9F))
            .minus(CodePointSet.range(0x2028, 0x2029));

    private static final CodePointSet LOWER_CASE = CodePointSet.range('a', 'z');
    private static final CodePointSet ALPHANUMERIC =
            LOWER_CASE.or(CodePointSet.range('A', 'Z')).or(CodePointSet.range('0', '9'));

    /** Alphabets, each of which is a part of the one before. */
    static final List<CodePointSet> ALPHABETS = List.of(UNESCAPED, ALPHANUMERIC, LOWER_CASE);

    /** States that are looked at to find out about one, at the most. */
    private static final int MAX_STATES = 2_000;
    /** Characters of a token beyond which all are alike. */
    private static final int MAX_LENGTH = 64;

    // What WalkState.plain says: nothing yet, no such thing, any text, or one more than the length of the longest.
    private static final int UNKNOWN = 0;
    private static final int SOME = -1;
    private static final int ANY = Integer.MAX_VALUE;

    private final int alphabet;
    private final Expr character;
    private final VocabularyTrie others;
    /** [tokens], characters of a plain token, 0 for others, {@link #MAX_LENGTH} + 1 for longer ones. */
    private final byte[] lengths;
    /** [length], the tokens of at most so many characters; the last of all. */
    private final AtomicReferenceArray<long[]> upTo = new AtomicReferenceArray<>(MAX_LENGTH + 2);

    /** @param alphabet which of {@link #ALPHABETS} */
    PlainTokens(VocabularyTrie trie, int alphabet) {
        this.alphabet = alphabet;
        Exprs exprs = new Exprs();
        character = exprs.star(Characters.PLAIN.spell(exprs, ALPHABETS.get(alphabet)));
        lengths = new byte[trie.size()];
        for (int token = 0; token < lengths.length; token++) {
            lengths[token] = (byte) Math.min(MAX_LENGTH + 1, length(trie.bytes(token)));
        }
        others = trie.only(token -> lengths[token] == 0);
    }

    /** The number of characters, 0 if they are not whole or not all plain. */
    private int length(byte[] bytes) {
        Expr at = character;
        int length = 0;
        for (byte b : bytes) {
            at = at.next()[b & 0xFF];
            if (at.isNothing()) {
                return 0;
            }
            length += at == character ? 1 : 0;
        }
        return at == character ? length : 0;
    }

    /** All other tokens. */
    VocabularyTrie others() {
        return others;
    }

    /** The plain tokens that may come in a state; null if that cannot be said of all of a length at once. Not to be changed. */
    long @Nullable [] after(WalkState state, MaskCache cache) {
        if (state.plain[alphabet] == UNKNOWN) {
            new Search(cache).from(state);
        }
        int found = state.plain[alphabet];
        return found == SOME ? null : tokens(Math.min(MAX_LENGTH + 1, found - 1));
    }

    private long[] tokens(int length) {
        long[] known = upTo.get(length);
        if (known == null) {
            known = new long[lengths.length + 63 >> 6];
            for (int token = 0; token < lengths.length; token++) {
                if (lengths[token] > 0 && lengths[token] <= length) {
                    known[token >> 6] |= 1L << token;
                }
            }
            upTo.set(length, known);
        }
        return known;
    }

    /** Follows all plain characters from a state, breadth first: each level is reached with one character more. */
    private final class Search {
        private final MaskCache cache;
        private final IdentityHashMap<WalkState, Integer> levels = new IdentityHashMap<>();
        private int looked;
        private boolean dead;
        private boolean complete;

        Search(MaskCache cache) {
            this.cache = cache;
        }

        void from(WalkState start) {
            int found = find(start);
            levels.forEach((state, level) -> {
                if (found == ANY) {
                    state.plain[alphabet] = ANY;
                } else if (found != SOME) {
                    state.plain[alphabet] =
                            found - level; // none of them allows more, and start would allow less if one did
                }
            });
            start.plain[alphabet] = found;
        }

        private int find(WalkState start) {
            levels.put(start, 0);
            List<WalkState> frontier = List.of(start);
            int end = UNKNOWN; // what states that are known say of the start
            boolean returns = false;
            for (int level = 0; !frontier.isEmpty(); level++) {
                List<WalkState> reached = new ArrayList<>();
                for (WalkState state : frontier) {
                    follow(state, character, reached);
                }
                if (complete || looked > MAX_STATES || dead && !reached.isEmpty()) {
                    return SOME;
                }
                if (dead) {
                    return returns || end != UNKNOWN && end != level + 1 ? SOME : level + 1;
                }
                List<WalkState> next = new ArrayList<>();
                for (WalkState state : reached) {
                    Integer before = levels.get(state);
                    int plain = state.plain[alphabet];
                    if (plain == SOME) {
                        return SOME;
                    } else if (plain == ANY) {
                        returns = true;
                    } else if (plain != UNKNOWN) {
                        int known = level + 1 + plain;
                        if (end != UNKNOWN && end != known) {
                            return SOME;
                        }
                        end = known;
                    } else if (before == null) {
                        levels.put(state, level + 1);
                        next.add(state);
                    } else if (before <= level) {
                        returns = true;
                    }
                }
                frontier = next;
            }
            if (end == UNKNOWN) {
                return ANY;
            }
            return returns ? SOME : end;
        }

        /** Adds what one character leads to, of which {@code at} is left. */
        private void follow(WalkState state, Expr at, List<WalkState> reached) {
            looked++;
            Expr[] left = at.next();
            WalkState lastState = null;
            Expr lastExpr = null;
            for (int b = 0; b < left.length; b++) {
                if (left[b].kind == Kind.NOTHING) {
                    continue;
                }
                WalkState next = state.next(b, cache);
                if (next == lastState && left[b] == lastExpr) {
                    continue;
                }
                lastState = next;
                lastExpr = left[b];
                if (next == WalkState.DEAD) {
                    dead = true;
                } else if (next.position.complete) {
                    complete = true;
                } else if (left[b] == character) {
                    if (reached.isEmpty() || reached.getLast() != next) {
                        reached.add(next);
                    }
                } else {
                    follow(next, left[b], reached);
                }
            }
        }
    }
}
