package dev.nibble.tokenizer;

import java.text.Normalizer;
import java.util.Arrays;
import java.util.BitSet;

/**
 * WordPiece, as BERT models use it: words are separated by spaces and punctuation, and each is covered by the longest
 * tokens from left to right. A word that cannot be covered is one unknown token. In the vocabulary of a model file a
 * token that begins a word begins with ▁.
 */
final class WordPieceEncoder implements FragmentEncoder {
    private static final int SPACE_MARK = '▁';

    /** The ideographs that are words of their own (the tokenizer of BERT, with the bounds of Hugging Face's). */
    private static final CharRanges CHINESE = new CharRanges(
            0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0x20000, 0x2A6DF, 0x2A700, 0x2B73F, 0x2B740, 0x2B81F,
            0x2B920, 0x2CEAF, 0x2F800, 0x2FA1F);

    private final TokenTrie trie;
    private final int unknown;
    private final boolean lowerCase;
    private final boolean stripAccents;

    WordPieceEncoder(FileVocabulary vocabulary, int unknown, boolean lowerCase, boolean stripAccents) {
        BitSet matched = new BitSet(vocabulary.size());
        for (int id = 0; id < vocabulary.size(); id++) {
            matched.set(id, vocabulary.type(id) != TokenType.CONTROL);
        }
        trie = new TokenTrie(vocabulary.table(), matched);
        this.unknown = unknown;
        this.lowerCase = lowerCase;
        this.stripAccents = stripAccents;
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean afterSpecial, IntList ids) {
        CodePoints codePoints = new CodePoints(text, from, to);
        Word word = new Word();
        for (int i = 0; i < codePoints.size(); i++) {
            int c = codePoints.get(i);
            if (stripAccents) {
                c = withoutAccent(c);
            }
            int charClass = CharClass.of(c);
            if (charClass == CharClass.SPACE) {
                encode(word, ids);
            } else if (charClass == CharClass.PUNCTUATION
                    || charClass == CharClass.SYMBOL && c < 0x7F
                    || CHINESE.contains(c)) {
                encode(word, ids);
                word.add(lowerCase ? Character.toLowerCase(c) : c);
                encode(word, ids);
            } else if (!isControl(c) && !(stripAccents && charClass == CharClass.MARK)) {
                word.add(lowerCase ? Character.toLowerCase(c) : c);
            }
        }
        encode(word, ids);
    }

    private static boolean isControl(int c) {
        return switch (Character.getType(c)) {
            case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE -> true;
            default -> c == 0 || c == Utf8.REPLACEMENT;
        };
    }

    /** The first character of the canonical decomposition; the accents that follow it would be dropped anyway. */
    private static int withoutAccent(int c) {
        return c < 0xC0
                ? c
                : Normalizer.normalize(Character.toString(c), Normalizer.Form.NFD)
                        .codePointAt(0);
    }

    /** Appends the tokens of a word, and empties it. */
    private void encode(Word word, IntList ids) {
        if (word.isEmpty()) {
            return;
        }
        int before = ids.size();
        int at = 0;
        while (at < word.size) {
            int longest = TokenTrie.NONE;
            int end = at;
            int state = TokenTrie.ROOT;
            for (int i = at; i < word.size; i++) {
                state = trie.child(state, word.bytes[i]);
                if (state == TokenTrie.NONE) {
                    break;
                }
                if (trie.token(state) != TokenTrie.NONE) {
                    longest = trie.token(state);
                    end = i + 1;
                }
            }
            if (longest == TokenTrie.NONE) {
                ids.truncate(before);
                ids.add(unknown);
                break;
            }
            ids.add(longest);
            at = end;
        }
        word.clear();
    }

    /** The bytes of a word, behind a space mark. */
    private static final class Word {
        private byte[] bytes = new byte[64];
        private int size = Utf8.encode(SPACE_MARK, bytes, 0);
        private final int empty = size;

        void add(int c) {
            if (size + 4 > bytes.length) {
                bytes = Arrays.copyOf(bytes, IntList.grown(size));
            }
            size = Utf8.encode(c, bytes, size);
        }

        boolean isEmpty() {
            return size == empty;
        }

        void clear() {
            size = empty;
        }
    }
}
