package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * The normalization of a SentencePiece model: {@code tokenizer.ggml.precompiled_charsmap}.
 *
 * <pre>
 * bytes     0        4                   4 + n
 *           n (u32)  n/4 trie nodes u32  replacement texts, each ends with a zero byte
 * node      bit 31 value of a leaf, bits 10-30 offset, bit 9 offset counts 256 times, bit 8 has a leaf, bits 0-7 label
 * </pre>
 *
 * The trie is a double array (Darts-clone): the child of a node for a byte is at {@code node ^ offset ^ byte}.
 */
final class CharsMap {
    private static final String KEY = "tokenizer.ggml.precompiled_charsmap";
    private static final int LABEL = 0x8000_00FF;

    private final Metadata metadata;
    private final int[] nodes;
    private final byte[] texts;

    private CharsMap(Metadata metadata, int[] nodes, byte[] texts) {
        this.metadata = metadata;
        this.nodes = nodes;
        this.texts = texts;
    }

    /** Reads the map, or returns null when the file has none. */
    static @Nullable CharsMap read(Metadata metadata) {
        long[] values = metadata.optionalLongs(KEY);
        if (values == null || values.length == 0) {
            return null;
        }
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) values[i];
            if (values[i] < Byte.MIN_VALUE || values[i] > 255) {
                throw metadata.failure(KEY, "expected bytes, found " + values[i] + " at index " + i);
            }
        }
        long length = bytes.length < 4 ? -1 : Integer.toUnsignedLong(int32(bytes, 0));
        if (length < 4 || length % 4 != 0 || 4 + length >= bytes.length || bytes[bytes.length - 1] != 0) {
            throw metadata.failure(
                    KEY,
                    "the trie of " + length + " bytes and the texts, the last of which ends with a zero byte, do not"
                            + " fit the array of " + bytes.length + " bytes");
        }
        int[] nodes = new int[(int) length / 4];
        for (int i = 0; i < nodes.length; i++) {
            nodes[i] = int32(bytes, 4 + 4 * i);
        }
        return new CharsMap(metadata, nodes, Arrays.copyOfRange(bytes, 4 + (int) length, bytes.length));
    }

    private static int int32(byte[] bytes, int at) {
        return bytes[at] & 0xFF | (bytes[at + 1] & 0xFF) << 8 | (bytes[at + 2] & 0xFF) << 16 | bytes[at + 3] << 24;
    }

    /**
     * The longest match at {@code from}: its end in the high half, the start of its replacement in the low half; -1
     * when nothing matches.
     */
    long match(byte[] text, int from, int to) {
        long found = -1;
        int index = offset(node(0));
        for (int i = from; i < to && text[i] != 0; i++) {
            int label = text[i] & 0xFF;
            index ^= label;
            int node = node(index);
            if ((node & LABEL) != label) {
                break;
            }
            index ^= offset(node);
            if ((node & 1 << 8) != 0) {
                found = (long) (i + 1) << 32 | node(index) & Integer.MAX_VALUE;
            }
        }
        return found;
    }

    /** The byte of the replacement texts at {@code index}; a zero byte ends a text. */
    byte text(int index) {
        if (index < 0 || index >= texts.length) {
            throw metadata.failure(KEY, "the trie points at text " + index + " of " + texts.length + " bytes");
        }
        return texts[index];
    }

    private static int offset(int node) {
        return node >>> 10 << ((node & 1 << 9) >>> 6);
    }

    private int node(int index) {
        if (index < 0 || index >= nodes.length) {
            throw metadata.failure(KEY, "the trie points at node " + index + " of " + nodes.length);
        }
        return nodes[index];
    }
}
