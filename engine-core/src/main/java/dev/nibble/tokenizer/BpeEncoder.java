package dev.nibble.tokenizer;

import java.nio.charset.StandardCharsets;

/**
 * Byte-pair encoding: cuts the text into words, and merges within each word, by the rank of the merges. The symbols
 * to begin with are bytes, or characters where the vocabulary is raw text.
 */
final class BpeEncoder implements FragmentEncoder {
    private static final byte[] SPACE_MARK = "▁".getBytes(StandardCharsets.UTF_8);
    private static final int NO_TOKEN = TokenTable.NONE;

    private final FileVocabulary vocabulary;
    private final MergeTable merges;
    private final PreTokenizer preTokenizer;
    private final int[] byteTokens = new int[256];

    BpeEncoder(FileVocabulary vocabulary, MergeTable merges, PreTokenizer preTokenizer) {
        this.vocabulary = vocabulary;
        this.merges = merges;
        this.preTokenizer = preTokenizer;
        if (preTokenizer.isRawText()) {
            System.arraycopy(ByteTokens.find(vocabulary), 0, byteTokens, 0, 256);
        } else {
            byte[] written = new byte[4];
            for (int b = 0; b < 256; b++) {
                byteTokens[b] = vocabulary.findText(written, 0, ByteAlphabet.encode((byte) b, written, 0));
            }
        }
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean afterSpecial, IntList ids) {
        CodePoints codePoints = preTokenizer.isRawText() ? markSpaces(text, from, to) : new CodePoints(text, from, to);
        Word word = new Word();
        byte[] bytes = new byte[64];
        int start = 0;
        for (int end : preTokenizer.split(codePoints)) {
            int needed = Math.toIntExact(4L * (end - start));
            if (bytes.length < needed) {
                bytes = new byte[Math.max(needed, IntList.grown(bytes.length))];
            }
            int size = 0;
            for (int i = start; i < end; i++) {
                size = Utf8.encode(codePoints.get(i), bytes, size);
            }
            if (preTokenizer.isRawText()) {
                encodeText(bytes, size, codePoints.get(start) == '\n', word, ids);
            } else {
                encodeBytes(bytes, size, word, ids);
            }
            start = end;
        }
    }

    private static CodePoints markSpaces(byte[] text, int from, int to) {
        int spaces = 0;
        for (int i = from; i < to; i++) {
            spaces += text[i] == ' ' ? 1 : 0;
        }
        byte[] marked = new byte[Math.addExact(to - from, 2 * spaces)];
        int size = 0;
        for (int i = from; i < to; i++) {
            if (text[i] == ' ') {
                System.arraycopy(SPACE_MARK, 0, marked, size, SPACE_MARK.length);
                size += SPACE_MARK.length;
            } else {
                marked[size++] = text[i];
            }
        }
        return new CodePoints(marked, 0, size);
    }

    private void encodeBytes(byte[] bytes, int size, Word word, IntList ids) {
        if (preTokenizer.ignoresMerges() && size <= vocabulary.table().longest()) {
            byte[] written = new byte[2 * size + 2];
            int length = 0;
            for (int i = 0; i < size; i++) {
                length = ByteAlphabet.encode(bytes[i], written, length);
            }
            int whole = vocabulary.findText(written, 0, length);
            if (whole != NO_TOKEN) {
                ids.add(whole);
                return;
            }
        }
        word.require(size);
        for (int i = 0; i < size; i++) {
            word.tokens[i] = byteTokens[bytes[i] & 0xFF];
        }
        word.mergeAll(size);
        for (int i = 0; i >= 0; i = word.next(i)) {
            if (word.tokens[i] != NO_TOKEN) { // a byte that the vocabulary lacks is left out, as llama.cpp does
                ids.add(word.tokens[i]);
            }
        }
    }

    private void encodeText(byte[] bytes, int size, boolean newlines, Word word, IntList ids) {
        if (newlines && preTokenizer == PreTokenizer.GEMMA4) {
            int whole = vocabulary.findText(bytes, 0, size);
            if (whole != NO_TOKEN) {
                ids.add(whole);
                return;
            }
        }
        word.require(size);
        int count = 0;
        for (int i = 0; i < size; ) {
            int end = i + Utf8.length(bytes[i]);
            word.starts[count] = i;
            word.tokens[count++] = vocabulary.findText(bytes, i, end);
            i = end;
        }
        word.mergeAll(count);
        for (int i = 0; i >= 0; i = word.next(i)) {
            if (word.tokens[i] != NO_TOKEN) {
                ids.add(word.tokens[i]);
                continue;
            }
            int end = word.starts[i] + Utf8.length(bytes[word.starts[i]]);
            for (int b = word.starts[i]; b < end; b++) {
                int token = byteTokens[bytes[b] & 0xFF];
                if (token != NO_TOKEN) {
                    ids.add(token);
                }
            }
        }
    }

    /** The symbols of a word, kept from word to word. */
    private final class Word extends SymbolMerger {
        private int[] tokens = new int[0];
        private int[] starts = new int[0];

        void require(int size) {
            if (tokens.length < size) {
                tokens = new int[Math.max(size, IntList.grown(tokens.length))];
                starts = preTokenizer.isRawText() ? new int[tokens.length] : starts;
            }
        }

        @Override
        protected int priority(int left, int right) {
            if (tokens[left] == NO_TOKEN || tokens[right] == NO_TOKEN) {
                return NONE;
            }
            int rank = merges.rank(tokens[left], tokens[right]);
            return rank == MergeTable.NONE ? NONE : rank;
        }

        @Override
        protected void merge(int left, int right, int rank) {
            tokens[left] = merges.merged(rank);
        }
    }
}
