package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/** Tokens that are written {@code <0x0A>} and stand for one byte. */
final class ByteTokens {
    private static final int LENGTH = "<0x00>".length();

    private ByteTokens() {}

    /** The token of each byte, or {@link TokenTable#NONE}. */
    static int[] find(FileVocabulary vocabulary) {
        int[] ids = new int[256];
        for (int b = 0; b < 256; b++) {
            byte[] text = String.format(Locale.ROOT, "<0x%02X>", b).getBytes(StandardCharsets.US_ASCII);
            ids[b] = vocabulary.findText(text, 0, text.length);
        }
        return ids;
    }

    /** Fails unless every token of type {@link TokenType#BYTE} is written as one. */
    static void check(Metadata metadata, FileVocabulary vocabulary) {
        for (int id = 0; id < vocabulary.size(); id++) {
            if (vocabulary.type(id) == TokenType.BYTE && valueOf(vocabulary.table(), id) < 0) {
                throw metadata.failure(
                        "tokenizer.ggml.tokens",
                        "token " + id + " stands for a byte, but is '" + vocabulary.text(id)
                                + "'; expected <0x00> to <0xFF>");
            }
        }
    }

    /** The byte that a token stands for, or -1 when it is not written as one. */
    static int valueOf(TokenTable table, int id) {
        if (table.length(id) != LENGTH
                || table.byteAt(id, 0) != '<'
                || table.byteAt(id, 1) != '0'
                || table.byteAt(id, 2) != 'x'
                || table.byteAt(id, 5) != '>') {
            return -1;
        }
        int high = Character.digit((char) table.byteAt(id, 3), 16);
        int low = Character.digit((char) table.byteAt(id, 4), 16);
        return high < 0 || low < 0 ? -1 : high << 4 | low;
    }
}
