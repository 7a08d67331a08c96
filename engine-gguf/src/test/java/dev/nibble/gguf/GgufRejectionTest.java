package dev.nibble.gguf;

import static dev.nibble.gguf.Parsing.DAMAGED;
import static dev.nibble.gguf.Parsing.DOWNLOAD;
import static dev.nibble.gguf.Parsing.TRUNCATED;
import static dev.nibble.gguf.Parsing.alignment;
import static dev.nibble.gguf.Parsing.parse;
import static dev.nibble.gguf.Parsing.rejects;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import java.util.Arrays;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * Header and metadata wrong in every way that llama.cpp's tests/test-gguf.cpp knows, and those of the published vulnerabilities of GGUF
 * readers, each with the message it gets.
 */
class GgufRejectionTest {
    @Nested
    class Header {
        @Test
        void empty() {
            rejects(
                    new byte[0],
                    ModelFormatException.class,
                    "m.gguf: byte 0, the magic: expected 'GGUF', found a file of 0 bytes; download the file again");
        }

        /** CVE-2024-39720: a file of four bytes. */
        @Test
        void onlyTheMagic() {
            rejects(
                    Arrays.copyOf(new GgufBytes().build(), 4),
                    ModelFormatException.class,
                    "m.gguf: byte 4, the version: expected 4 bytes, found the end of the file after 0; " + TRUNCATED);
        }

        @Test
        void everyPrefixOfTheHeader() {
            byte[] whole = new GgufBytes().build();
            for (int length = 0; length < whole.length; length++) {
                byte[] prefix = Arrays.copyOf(whole, length);
                assertThatExceptionOfType(ModelFormatException.class)
                        .as("%d bytes", length)
                        .isThrownBy(() -> parse(prefix))
                        .withMessageStartingWith("m.gguf: byte ");
            }
        }

        @Test
        void badMagic() {
            rejects(
                    new GgufBytes().magic(0x04030201),
                    "m.gguf: byte 0, the magic: expected 'GGUF', found the bytes 01 02 03 04; this is not a GGUF model"
                            + " file");
        }

        @Test
        void version0() {
            rejects(new GgufBytes().version(0), "m.gguf: byte 4, the version: expected 2 or 3, found 0; " + DAMAGED);
        }

        @Test
        void version1() {
            rejects(
                    new GgufBytes().version(1).build(),
                    UnsupportedModelException.class,
                    "m.gguf: byte 4, the version: expected 2 or 3, found 1; the file is of 2023; download a newer"
                            + " conversion of the model");
        }

        @Test
        void versionOfTheFuture() {
            rejects(
                    new GgufBytes().version(4).build(),
                    UnsupportedModelException.class,
                    "m.gguf: byte 4, the version: expected 2 or 3, found 4; the file needs a newer version of this"
                            + " library");
        }

        @Test
        void versionOutOfReason() {
            rejects(
                    new GgufBytes().version(-2),
                    "m.gguf: byte 4, the version: expected 2 or 3, found 4294967294; " + DAMAGED);
        }

        @Test
        void bigEndian() {
            rejects(
                    new GgufBytes().version(3 << 24).build(),
                    UnsupportedModelException.class,
                    "m.gguf: byte 4, the version: expected 2 or 3, found 3 in big-endian byte order; big-endian files"
                            + " are not supported; download the little-endian one");
        }

        /** CVE-2024-21836: the count times the size of a description overflows. */
        @Test
        void tensorCount() {
            for (long count : new long[] {-1, 1, 1L << 61, Long.MAX_VALUE}) {
                rejects(
                        new GgufBytes().counts(count, 0),
                        "m.gguf: byte 8, the tensor count: expected 0 to 0 (8 bytes remain), found " + count + "; "
                                + DOWNLOAD);
            }
        }

        /** CVE-2024-23605: the same for pairs. */
        @Test
        void pairCount() {
            for (long count : new long[] {-1, 1, 1L << 61, Long.MAX_VALUE}) {
                rejects(
                        new GgufBytes().counts(0, count),
                        "m.gguf: byte 16, the key-value count: expected 0 to 0 (0 bytes remain), found " + count + "; "
                                + DOWNLOAD);
            }
        }

        @Test
        void bothCountsTogether() {
            rejects(
                    new GgufBytes().counts(4, 7).data(100),
                    "m.gguf: byte 8, the counts: expected what fits the 100 bytes that remain, found 4 tensors and 7"
                            + " key-value pairs; " + DOWNLOAD);
        }
    }

    @Nested
    class Pairs {
        /** CVE-2024-23496: the length plus one wraps to 0. */
        @Test
        void keySize() {
            rejects(
                    new GgufBytes().rawPair(bytes -> bytes.u64(-1).u64(0)),
                    "m.gguf: byte 24, key 0: expected at most 8 (8 bytes remain), found 18446744073709551615; "
                            + DOWNLOAD);
        }

        @Test
        void longKey() {
            rejects(
                    new GgufBytes().pair("k".repeat(65536), GgufValueType.BOOL, bytes -> bytes.u8(1)),
                    "m.gguf: byte 24, key 0: expected at most 65535, found 65536; " + DAMAGED);
        }

        @Test
        void emptyKey() {
            rejects(
                    new GgufBytes().pair("", GgufValueType.UINT32, bytes -> bytes.u32(1)),
                    "m.gguf: byte 24, key 0: expected a name, found an empty key; " + DAMAGED);
        }

        @Test
        void duplicateKey() {
            GgufBytes bytes = new GgufBytes()
                    .pair("a", GgufValueType.UINT32, b -> b.u32(1))
                    .pair("a", GgufValueType.UINT32, b -> b.u32(2));
            rejects(bytes, "m.gguf: byte 41, key 1: expected each key once, found 'a' again; " + DAMAGED);
        }

        @Test
        void badType() {
            for (int type : new int[] {13, -1, Integer.MIN_VALUE}) {
                rejects(
                        new GgufBytes().pair("a", type, bytes -> bytes.u64(0)),
                        "m.gguf: byte 33, the type of 'a': expected 0 to 12, found " + type + "; " + DAMAGED);
            }
        }

        @Test
        void truncatedValue() {
            byte[] bytes = new GgufBytes()
                    .pair("a", GgufValueType.UINT64, b -> b.u64(1))
                    .build();
            rejects(
                    Arrays.copyOf(bytes, bytes.length - 1),
                    ModelFormatException.class,
                    "m.gguf: byte 37, the value of 'a': expected 8 bytes, found the end of the file after 7; "
                            + TRUNCATED);
        }

        @Test
        void stringLength() {
            for (long length : new long[] {1, Integer.MAX_VALUE, Long.MAX_VALUE, -1}) {
                rejects(
                        new GgufBytes().pair("a", GgufValueType.STRING, bytes -> bytes.u64(length)),
                        "m.gguf: byte 37, the value of 'a': expected at most 0 (0 bytes remain), found "
                                + Long.toUnsignedString(length) + "; " + DOWNLOAD);
            }
        }

        @Test
        void unsignedValueBeyondLong() {
            rejects(
                    new GgufBytes().pair("a", GgufValueType.UINT64, bytes -> bytes.u64(-1)),
                    "m.gguf: byte 37, the value of 'a': expected an unsigned integer below 2^63, found"
                            + " 18446744073709551615; " + DAMAGED);
            rejects(
                    new GgufBytes()
                            .pair(
                                    "a",
                                    GgufValueType.ARRAY,
                                    bytes -> bytes.u32(GgufValueType.UINT64.id())
                                            .u64(2)
                                            .u64(1)
                                            .u64(Long.MIN_VALUE)),
                    "m.gguf: byte 57, the elements of 'a': expected an unsigned integer below 2^63, found"
                            + " 9223372036854775808; " + DAMAGED);
        }

        @Test
        void arrayLength() {
            for (long length : new long[] {3, 1L << 31, 1L << 61, Long.MAX_VALUE, -1}) {
                rejects(
                        new GgufBytes()
                                .pair(
                                        "a",
                                        GgufValueType.ARRAY,
                                        bytes -> bytes.u32(GgufValueType.INT32.id())
                                                .u64(length)
                                                .u64(0)),
                        "m.gguf: byte 41, the length of 'a': expected at most 2 (8 bytes remain), found "
                                + Long.toUnsignedString(length) + "; " + DOWNLOAD);
            }
        }

        /** CVE-2024-21825: the count of an array of strings overflows an allocation. */
        @Test
        void stringArrayLength() {
            for (long length : new long[] {2, 1L << 61, Long.MAX_VALUE, -1}) {
                rejects(
                        new GgufBytes()
                                .pair(
                                        "a",
                                        GgufValueType.ARRAY,
                                        bytes -> bytes.u32(GgufValueType.STRING.id())
                                                .u64(length)
                                                .u64(0)),
                        "m.gguf: byte 41, the length of 'a': expected at most 1 (8 bytes remain), found "
                                + Long.toUnsignedString(length) + "; " + DOWNLOAD);
            }
        }

        /** CVE-2025-49847: the length of a token's text is cut to 32 bits. */
        @Test
        void stringLengthInArray() {
            for (long length : new long[] {6, 1L << 32, Long.MAX_VALUE, -1}) {
                rejects(
                        new GgufBytes()
                                .pair(
                                        "a",
                                        GgufValueType.ARRAY,
                                        bytes -> bytes.u32(GgufValueType.STRING.id())
                                                .u64(2)
                                                .string("x")
                                                .u64(length)
                                                .u32(0)
                                                .u8(0)),
                        "m.gguf: byte 58, the length of string 1 of 'a': expected at most 5, found "
                                + Long.toUnsignedString(length) + "; " + DOWNLOAD);
            }
        }

        @Test
        void stringArrayEndsEarly() {
            rejects(
                    new GgufBytes()
                            .pair(
                                    "a",
                                    GgufValueType.ARRAY,
                                    bytes -> bytes.u32(GgufValueType.STRING.id())
                                            .u64(2)
                                            .string("12345678")),
                    "m.gguf: byte 65, the length of string 1 of 'a': expected 8 bytes, found the end of the file; "
                            + TRUNCATED);
        }

        @Test
        void arrayOfArrays() {
            GgufBytes bytes = new GgufBytes()
                    .pair(
                            "a",
                            GgufValueType.ARRAY,
                            b -> b.u32(GgufValueType.ARRAY.id()).u64(1).u64(0));
            rejects(
                    bytes.build(),
                    UnsupportedModelException.class,
                    "m.gguf: byte 37, the element type of 'a': expected a scalar type or strings, found arrays; arrays"
                            + " of arrays are not supported; convert the model again without this key");
        }

        @Test
        void moreMetadataThanTheBudget() {
            // Eight bytes of heap for each in the file.
            int length = (int) (MetadataReader.HEAP_BUDGET / 8);
            GgufBytes bytes = new GgufBytes()
                    .pair(
                            "a",
                            GgufValueType.ARRAY,
                            b -> b.u32(GgufValueType.UINT8.id()).u64(length))
                    .data(length);
            rejects(
                    bytes,
                    "m.gguf: byte 49, the elements of 'a': expected metadata that takes less than 256 MiB of memory,"
                            + " found more; " + DAMAGED);
        }

        @Test
        void alignmentNoPowerOfTwo() {
            // CVE-2025-0317: alignment 0 divides by zero; above 1 MiB padding is abused to overflow.
            for (int value : new int[] {0, 3, 33, 1 << 21, 1 << 31, -1}) {
                rejects(
                        alignment(value),
                        "m.gguf: byte 53, the value of 'general.alignment': expected a power of two from 1 to 1048576,"
                                + " found " + Integer.toUnsignedString(value) + "; " + DAMAGED);
            }
        }

        @Test
        void alignmentOfWrongType() {
            rejects(
                    new GgufBytes().pair("general.alignment", GgufValueType.STRING, bytes -> bytes.string("32")),
                    "m.gguf: byte 53, the value of 'general.alignment': expected a UINT32, found a value of type"
                            + " STRING; " + DAMAGED);
        }
    }
}
