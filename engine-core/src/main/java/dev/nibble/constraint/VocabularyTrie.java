package dev.nibble.constraint;

import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Vocabulary;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntPredicate;
import java.util.regex.Pattern;

/**
 * The bytes of all tokens that stand for text, as a tree laid out in the order of a walk: the nodes below a node follow it.
 * Node 0 is the root. A control token stands for its text between two bytes that no text has. Immutable.
 */
final class VocabularyTrie {
    static final int NONE = -1;

    /** What encloses the text of a control token: no byte of UTF-8. */
    static final byte CONTROL = (byte) 0xFF;

    /** Tokens that fill up a vocabulary and stand for nothing, whatever type the file gives them. */
    private static final Pattern FILLER =
            Pattern.compile("\\[PAD\\d+]|<unused\\d+>|<\\|?reserved_special_token_\\d+\\|?>|<reserved_\\d+>");

    private static final int PREFIX_BYTES = 5;
    private static final int ID_BITS = 24;
    /** Tokens that are sorted by insertion at the most. */
    private static final int FEW = 40;

    /** [nodes], the byte that leads to a node. */
    final byte[] labels;
    /** [nodes], bytes from the root to a node. */
    final int[] depths;
    /** [nodes], the node after the last one below a node. */
    final int[] ends;
    /** [nodes], the first token with exactly the bytes that lead to a node, or {@link #NONE}. */
    final int[] tokens;
    /** [tokens], another token with the same bytes, or {@link #NONE}. */
    final int[] same;
    /** Bytes of the longest token. */
    final int longest;

    private final byte[][] bytes;
    private final int[] order;

    /** The tree of a model's tokens. */
    static VocabularyTrie of(Tokenizer tokenizer) {
        Vocabulary vocabulary = tokenizer.vocabulary();
        byte[][] bytes = new byte[vocabulary.size()][];
        for (int id = 0; id < bytes.length; id++) {
            String text = vocabulary.text(id);
            boolean usable = !vocabulary.isEndOfGeneration(id) && !isFiller(text);
            bytes[id] = switch (vocabulary.type(id)) {
                case NORMAL, BYTE, USER_DEFINED -> usable ? text(tokenizer.bytes(id)) : new byte[0];
                case CONTROL -> usable ? control(text) : new byte[0];
                case UNKNOWN, UNUSED, UNDEFINED -> new byte[0];
            };
        }
        for (int id : vocabulary.suppressedTokens()) {
            bytes[id] = new byte[0];
        }
        return new VocabularyTrie(bytes);
    }

    private static boolean isFiller(String text) {
        return (text.startsWith("[") || text.startsWith("<"))
                && FILLER.matcher(text).matches();
    }

    /**
     * The tree of tokens.
     *
     * @param bytes of each token; empty for one that stands for no text
     */
    VocabularyTrie(byte[][] bytes) {
        this(bytes, sorted(bytes));
    }

    /** @param order the tokens that are in the tree, sorted by their bytes */
    private VocabularyTrie(byte[][] bytes, int[] order) {
        this.bytes = bytes;
        this.order = order;
        same = new int[bytes.length];
        Arrays.fill(same, NONE);
        int nodes = 1;
        byte[] previous = {};
        for (int id : order) {
            nodes += bytes[id].length - common(previous, bytes[id]);
            previous = bytes[id];
        }
        labels = new byte[nodes];
        depths = new int[nodes];
        ends = new int[nodes];
        tokens = new int[nodes];
        Arrays.fill(tokens, NONE);
        int most = 0;
        for (int id : order) {
            most = Math.max(most, bytes[id].length);
        }
        longest = most;
        int[] path = new int[most + 1];
        int node = 0;
        int depth = 0;
        previous = new byte[0];
        for (int id : order) {
            int shared = common(previous, bytes[id]);
            for (; depth > shared; depth--) {
                ends[path[depth]] = node + 1;
            }
            while (depth < bytes[id].length) {
                labels[++node] = bytes[id][depth];
                path[++depth] = node;
                depths[node] = depth;
            }
            int at = path[depth];
            same[id] = tokens[at];
            tokens[at] = id;
            previous = bytes[id];
        }
        for (; depth >= 0; depth--) {
            ends[path[depth]] = node + 1;
        }
    }

    /** The bytes of a token of text; none if it has the one that encloses control tokens, as bytes in no text have a token too. */
    private static byte[] text(byte[] bytes) {
        for (byte b : bytes) {
            if (b == CONTROL) {
                return new byte[0];
            }
        }
        return bytes;
    }

    private static byte[] control(String text) {
        byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
        byte[] framed = new byte[utf8.length + 2];
        framed[0] = CONTROL;
        System.arraycopy(utf8, 0, framed, 1, utf8.length);
        framed[framed.length - 1] = CONTROL;
        return framed;
    }

    /** The tokens with bytes, sorted by these: by numbers made of the first bytes, equal ones by all. */
    private static int[] sorted(byte[][] bytes) {
        if (bytes.length >= 1 << ID_BITS) {
            throw new IllegalArgumentException("a vocabulary of " + bytes.length + " tokens is too large");
        }
        long[] keys = new long[bytes.length];
        int count = 0;
        for (int id = 0; id < bytes.length; id++) {
            if (bytes[id].length > 0) {
                long key = 0;
                for (int i = 0; i < PREFIX_BYTES; i++) {
                    key = key << 8 | (i < bytes[id].length ? bytes[id][i] & 0xFF : 0);
                }
                keys[count++] = (key << ID_BITS | id) ^ Long.MIN_VALUE;
            }
        }
        Arrays.sort(keys, 0, count);
        int[] order = new int[count];
        for (int i = 0; i < count; i++) {
            order[i] = (int) (keys[i] & (1 << ID_BITS) - 1);
        }
        for (int from = 0; from < count; ) {
            int to = from + 1;
            while (to < count && keys[to] >>> ID_BITS == keys[from] >>> ID_BITS) {
                to++;
            }
            if (to - from > FEW) {
                List<Integer> alike = new ArrayList<>();
                for (int i = from; i < to; i++) {
                    alike.add(order[i]);
                }
                alike.sort((a, b) -> Arrays.compareUnsigned(bytes[a], bytes[b]));
                for (int i = from; i < to; i++) {
                    order[i] = alike.get(i - from);
                }
            } else {
                for (int i = from + 1; i < to; i++) {
                    int id = order[i];
                    int at = i;
                    for (; at > from && Arrays.compareUnsigned(bytes[order[at - 1]], bytes[id]) > 0; at--) {
                        order[at] = order[at - 1];
                    }
                    order[at] = id;
                }
            }
            from = to;
        }
        return order;
    }

    private static int common(byte[] a, byte[] b) {
        int mismatch = Arrays.mismatch(a, b);
        return mismatch < 0 ? a.length : mismatch;
    }

    /** The bytes of a token; empty for one that stands for no text. Not to be changed. */
    byte[] bytes(int token) {
        return bytes[token];
    }

    /** The node that the bytes from {@code from} on lead to, {@link #NONE} if no token begins so. */
    int find(byte[] text, int from) {
        int node = 0;
        for (int i = from; i < text.length; i++) {
            int end = ends[node];
            int child = node + 1;
            while (child < end && labels[child] != text[i]) {
                child = ends[child];
            }
            if (child >= end) {
                return NONE;
            }
            node = child;
        }
        return node;
    }

    /** The tree of those of the tokens that satisfy a condition. */
    VocabularyTrie only(IntPredicate condition) {
        return new VocabularyTrie(bytes, Arrays.stream(order).filter(condition).toArray());
    }

    /** Number of tokens of the vocabulary. */
    int size() {
        return bytes.length;
    }

    /** Number of nodes. */
    int nodes() {
        return labels.length;
    }
}
