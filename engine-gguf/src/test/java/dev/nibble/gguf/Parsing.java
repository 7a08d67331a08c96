package dev.nibble.gguf;

import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.nibble.ModelFormatException;
import dev.nibble.NibbleException;
import java.lang.foreign.MemorySegment;

/** Parsing bytes that are wrong. */
final class Parsing {
    static final String DOWNLOAD = "the file is truncated or damaged; download it again";
    static final String DAMAGED = "the file is damaged; download it or convert the model again";
    static final String TRUNCATED = "the file is truncated; download it again";

    private Parsing() {}

    static GgufParser.Contents parse(GgufBytes bytes) {
        return parse(bytes.build());
    }

    static GgufParser.Contents parse(byte[] bytes) {
        return GgufParser.parse("m.gguf", MemorySegment.ofArray(bytes));
    }

    static void rejects(GgufBytes bytes, String message) {
        rejects(bytes.build(), ModelFormatException.class, message);
    }

    static void rejects(byte[] bytes, Class<? extends NibbleException> type, String message) {
        assertThatExceptionOfType(type).isThrownBy(() -> parse(bytes)).withMessage(message);
    }

    static GgufBytes alignment(int value) {
        return new GgufBytes().pair("general.alignment", GgufValueType.UINT32, bytes -> bytes.u32(value));
    }
}
