package dev.nibble.tokenizer;

import java.util.Arrays;
import java.util.BitSet;
import org.jspecify.annotations.Nullable;

/**
 * The unigram model of SentencePiece (T5 and its like): of all ways to cut the normalized text into tokens, the one
 * with the highest sum of scores, found from left to right (Viterbi). A character without a token is unknown.
 */
final class UnigramEncoder implements FragmentEncoder {
    private static final int SPACE_MARK = '▁';
    private static final float UNKNOWN_PENALTY = 10;

    private final FileVocabulary vocabulary;
    private final TokenTrie tokens;
    private final TokenTrie userDefined;
    private final @Nullable CharsMap charsMap;
    private final int unknown;
    private final double unknownScore;
    private final boolean addSpacePrefix;
    private final boolean mergeSpaces;

    UnigramEncoder(
            FileVocabulary vocabulary,
            @Nullable CharsMap charsMap,
            int unknown,
            boolean addSpacePrefix,
            boolean mergeSpaces) {
        this.vocabulary = vocabulary;
        this.charsMap = charsMap;
        this.unknown = unknown;
        this.addSpacePrefix = addSpacePrefix;
        this.mergeSpaces = mergeSpaces;
        BitSet matched = new BitSet();
        BitSet defined = new BitSet();
        float lowest = Float.MAX_VALUE;
        for (int id = 0; id < vocabulary.size(); id++) {
            TokenType type = vocabulary.type(id);
            matched.set(id, type == TokenType.NORMAL || type == TokenType.USER_DEFINED || type == TokenType.UNUSED);
            defined.set(id, type == TokenType.USER_DEFINED);
            if (type == TokenType.NORMAL) {
                lowest = Math.min(lowest, vocabulary.score(id));
            }
        }
        tokens = new TokenTrie(vocabulary.table(), matched);
        userDefined = new TokenTrie(vocabulary.table(), defined);
        unknownScore = lowest - UNKNOWN_PENALTY;
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean afterSpecial, IntList ids) {
        Normalized normalized = normalize(text, from, to);
        if (normalized.size > 0) {
            cut(normalized.bytes, normalized.size, ids);
        }
    }

    private void cut(byte[] text, int size, IntList ids) {
        double[] scores = new double[size + 1];
        int[] starts = new int[size + 1];
        int[] best = new int[size + 1];
        Arrays.fill(scores, -Double.MAX_VALUE);
        Arrays.fill(best, unknown);
        scores[0] = 0;
        for (int at = 0; at < size; ) {
            int next = Math.min(size, at + Utf8.length(text[at]));
            boolean characterFound = false;
            int state = tokens.child(TokenTrie.ROOT, text[at]);
            for (int end = at + 1; state != TokenTrie.NONE; end++) {
                int token = tokens.token(state);
                if (token != TokenTrie.NONE) {
                    characterFound |= end == next;
                    boolean defined = vocabulary.type(token) == TokenType.USER_DEFINED;
                    double score = scores[at] + (defined ? 0 : vocabulary.score(token));
                    if (score > scores[end]) {
                        scores[end] = score;
                        starts[end] = at;
                        best[end] = token;
                    }
                }
                state = end < size ? tokens.child(state, text[end]) : TokenTrie.NONE;
            }
            if (!characterFound && scores[at] + unknownScore > scores[next]) {
                scores[next] = scores[at] + unknownScore;
                starts[next] = at;
                best[next] = unknown;
            }
            at = next;
        }
        // Backwards along the best cuts, unknown tokens in a row counting as one; then forwards into the result.
        int[] reversed = new int[size];
        int count = 0;
        for (int end = size; end > 0; end = starts[end]) {
            if (best[end] != unknown || count == 0 || reversed[count - 1] != unknown) {
                reversed[count++] = best[end];
            }
        }
        while (count > 0) {
            ids.add(reversed[--count]);
        }
    }

    private Normalized normalize(byte[] text, int from, int to) {
        Normalized result = new Normalized(to - from);
        for (int at = from; at < to; ) {
            int end = skip(userDefined, text, at, to);
            if (end > at) {
                result.add(text, at, end);
                at = end;
                continue;
            }
            long match = charsMap == null ? -1 : charsMap.match(text, at, to);
            if (charsMap != null && match >= 0) {
                for (int i = (int) match; charsMap.text(i) != 0; i++) {
                    result.add(charsMap.text(i));
                }
                at = (int) (match >>> 32);
                continue;
            }
            if (Utf8.decode(text, at, to) == Utf8.MALFORMED) {
                result.addReplacement();
                at++;
            } else {
                end = at + Utf8.length(text[at]);
                result.add(text, at, end);
                at = end;
            }
        }
        return result;
    }

    /** The end of the longest beginning of a token at {@code from}. */
    private static int skip(TokenTrie trie, byte[] text, int from, int to) {
        int state = TokenTrie.ROOT;
        int end = from;
        while (end < to && (state = trie.child(state, text[end])) != TokenTrie.NONE) {
            end++;
        }
        return end;
    }

    /** Collects the normalized text: spaces as marks, single where the model wants it, one before the first word. */
    private final class Normalized {
        private byte[] bytes;
        private int size;
        private boolean inWord;
        private boolean begun;

        Normalized(int length) {
            bytes = new byte[length + 16];
        }

        void add(byte[] text, int from, int to) {
            for (int i = from; i < to; i++) {
                add(text[i]);
            }
        }

        void addReplacement() {
            inWordBefore();
            write(Utf8.REPLACEMENT);
        }

        void add(byte b) {
            if (b == ' ') {
                inWord = false;
                if (!mergeSpaces) {
                    write(SPACE_MARK);
                }
                return;
            }
            inWordBefore();
            require(1);
            bytes[size++] = b;
        }

        private void inWordBefore() {
            if (!inWord) {
                inWord = true;
                if (addSpacePrefix && !begun || mergeSpaces) {
                    write(SPACE_MARK);
                    begun = true;
                }
            }
        }

        private void write(int c) {
            require(4);
            size = Utf8.encode(c, bytes, size);
        }

        private void require(int count) {
            if (size + count > bytes.length) {
                bytes = Arrays.copyOf(bytes, Math.max(size + count, IntList.grown(bytes.length)));
            }
        }
    }
}
