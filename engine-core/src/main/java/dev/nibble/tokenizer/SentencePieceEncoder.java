package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.nio.charset.StandardCharsets;

/**
 * SentencePiece with scores: spaces become ▁, and neighbours merge as long as they form a token, the highest score
 * first. Characters without a token become byte tokens.
 */
final class SentencePieceEncoder implements FragmentEncoder {
    private static final byte[] SPACE_MARK = "▁".getBytes(StandardCharsets.UTF_8);

    private final FileVocabulary vocabulary;
    private final boolean addSpacePrefix;
    private final int[] byteTokens;

    SentencePieceEncoder(Metadata metadata, FileVocabulary vocabulary, boolean addSpacePrefix) {
        this.vocabulary = vocabulary;
        this.addSpacePrefix = addSpacePrefix;
        byteTokens = ByteTokens.find(vocabulary);
        for (int b = 0; b < 256; b++) {
            if (byteTokens[b] == TokenTable.NONE) {
                byteTokens[b] = vocabulary.findText(new byte[] {(byte) b}, 0, 1);
            }
            if (byteTokens[b] == TokenTable.NONE) {
                int missing = b;
                byteTokens[b] = vocabulary
                        .unknownId()
                        .orElseThrow(() -> metadata.failure(
                                "tokenizer.ggml.tokens",
                                "there is neither a token for byte " + missing + " nor an unknown token"));
            }
        }
    }

    @Override
    public void encode(byte[] text, int from, int to, boolean afterSpecial, IntList ids) {
        boolean prefix = addSpacePrefix && afterSpecial;
        int spaces = prefix ? 1 : 0;
        for (int i = from; i < to; i++) {
            spaces += text[i] == ' ' ? 1 : 0;
        }
        byte[] marked = new byte[Math.addExact(to - from, Math.multiplyExact(3, spaces))];
        int size = prefix ? mark(marked, 0) : 0;
        for (int i = from; i < to; i++) {
            if (text[i] == ' ') {
                size = mark(marked, size);
            } else {
                marked[size++] = text[i];
            }
        }
        Symbols symbols = new Symbols(marked, size);
        symbols.mergeAll(symbols.count);
        for (int i = 0; i >= 0; i = symbols.next(i)) {
            int end = symbols.ends[i];
            int token = vocabulary.findText(marked, symbols.starts[i], end);
            if (token != TokenTable.NONE) {
                ids.add(token);
            } else {
                for (int b = symbols.starts[i]; b < end; b++) {
                    ids.add(byteTokens[marked[b] & 0xFF]);
                }
            }
        }
    }

    private static int mark(byte[] text, int offset) {
        System.arraycopy(SPACE_MARK, 0, text, offset, SPACE_MARK.length);
        return offset + SPACE_MARK.length;
    }

    private final class Symbols extends SymbolMerger {
        private final byte[] text;
        private final int[] starts;
        private final int[] ends;
        private final int count;

        Symbols(byte[] text, int size) {
            this.text = text;
            int characters = 0;
            for (int i = 0; i < size; i += Utf8.length(text[i])) {
                characters++;
            }
            count = characters;
            starts = new int[count];
            ends = new int[count];
            int start = 0;
            for (int i = 0; i < count; i++) {
                starts[i] = start;
                start = Math.min(size, start + Utf8.length(text[start]));
                ends[i] = start;
            }
        }

        @Override
        protected int priority(int left, int right) {
            int token = vocabulary.findText(text, starts[left], ends[right]);
            if (token == TokenTable.NONE) {
                return NONE;
            }
            // The order of the bits of a float is that of its value, once those of negative values are turned around.
            int bits = Float.floatToIntBits(vocabulary.score(token) + 0f);
            return ~(bits ^ (bits >> 31 & Integer.MAX_VALUE));
        }

        @Override
        protected void merge(int left, int right, int priority) {
            ends[left] = ends[right];
        }
    }
}
