package dev.nibble.tokenizer;

import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

/**
 * Turns tokens into text one by one and never gives half a character: bytes that begin one are kept until the tokens
 * that complete it arrive. Malformed bytes become U+FFFD. Not thread-safe.
 */
public final class StreamingDetokenizer {
    private static final int MAX_PENDING = 3; // bytes of a character that is not complete

    private final Tokenizer tokenizer;
    private final CharsetDecoder decoder = StandardCharsets.UTF_8
            .newDecoder()
            .onMalformedInput(CodingErrorAction.REPLACE)
            .onUnmappableCharacter(CodingErrorAction.REPLACE);
    private ByteBuffer bytes = ByteBuffer.allocate(64);
    private boolean dropSpace;

    /** Detokenizes what continues another text, such as the answer to a prompt: a leading space is kept. */
    public StreamingDetokenizer(Tokenizer tokenizer) {
        this(tokenizer, false);
    }

    /**
     * @param tokenizer the tokenizer of the tokens
     * @param startOfText whether the first token begins a text, so that a space which encoding put there is dropped
     */
    public StreamingDetokenizer(Tokenizer tokenizer, boolean startOfText) {
        this.tokenizer = Objects.requireNonNull(tokenizer, "tokenizer");
        dropSpace = startOfText && tokenizer.addsLeadingSpace();
    }

    /** The text that is complete with token {@code id}; may be empty. */
    public String append(int id) {
        byte[] token = tokenizer.bytes(id);
        int from = 0;
        if (dropSpace && token.length > 0) {
            from = token[0] == ' ' ? 1 : 0;
            dropSpace = false;
        }
        int length = token.length - from;
        if (bytes.remaining() < length) {
            bytes = ByteBuffer.allocate(length + MAX_PENDING + 1).put(bytes.flip());
        }
        bytes.put(token, from, length);
        return decode(false);
    }

    /** What is left at the end of the tokens: U+FFFD if they end within a character. Then a new text can begin. */
    public String flush() {
        String rest = decode(true);
        decoder.reset();
        return rest;
    }

    private String decode(boolean end) {
        bytes.flip();
        CharBuffer text = CharBuffer.allocate(bytes.remaining() + 1);
        decoder.decode(bytes, text, end);
        if (end) {
            decoder.flush(text);
        }
        bytes.compact();
        return text.flip().toString();
    }
}
