package dev.nibble.gguf;

import static dev.nibble.gguf.Parsing.DAMAGED;
import static dev.nibble.gguf.Parsing.TRUNCATED;
import static dev.nibble.gguf.Parsing.alignment;
import static dev.nibble.gguf.Parsing.rejects;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.tensor.DType;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;

/**
 * Tensors wrong in every way that llama.cpp's tests/test-gguf.cpp knows, and those of the published vulnerabilities of GGUF
 * readers, each with the message it gets.
 */
class GgufTensorRejectionTest {
    @Nested
    class Tensors {
        @Test
        void longName() {
            rejects(
                    new GgufBytes().tensor("n".repeat(64), DType.F32, 0, 1),
                    "m.gguf: byte 24, the name of tensor 0: expected at most 63, found 64; " + DAMAGED);
        }

        @Test
        void duplicateName() {
            rejects(
                    new GgufBytes()
                            .tensor("t", DType.F32, 0, 8)
                            .tensor("t", DType.F32, 32, 8)
                            .data(64),
                    "m.gguf: byte 57, the name of tensor 1: expected each name once, found 't' again; " + DAMAGED);
        }

        /** CVE-2024-21802: more dimensions than the array for them holds. */
        @Test
        void dimensionCount() {
            for (int count : new int[] {5, 64, -1}) {
                rejects(
                        new GgufBytes().tensor("t", count, new long[5], 0, 0),
                        "m.gguf: byte 33, the number of dimensions of 't': expected 0 to 4, found "
                                + Integer.toUnsignedString(count) + "; " + DAMAGED);
            }
        }

        @Test
        void negativeDimension() {
            rejects(
                    new GgufBytes().tensor("t", DType.F32, 0, 4, -2),
                    "m.gguf: byte 45, dimension 1 of 't': expected 0 or more, found -2; " + DAMAGED);
        }

        @Test
        void tooManyElements() {
            rejects(
                    new GgufBytes().tensor("t", DType.F32, 0, 1L << 40, 1L << 40),
                    "m.gguf: byte 33, the shape of 't': expected less than 2^63 elements, found [1099511627776,"
                            + " 1099511627776]; " + DAMAGED);
        }

        @Test
        void zeroDoesNotHideTooManyElements() {
            rejects(
                    new GgufBytes().tensor("t", DType.F32, 0, 0, 1L << 40, 1L << 40),
                    "m.gguf: byte 33, the shape of 't': expected less than 2^63 elements, found [0, 1099511627776,"
                            + " 1099511627776]; " + DAMAGED);
        }

        /** CVE-2026-33298: the number of bytes overflows although that of elements does not. */
        @Test
        void tooManyBytes() {
            rejects(
                    new GgufBytes().tensor("t", DType.F64, 0, 1L << 61),
                    "m.gguf: byte 33, the shape of 't': expected tensors of less than 2^63 bytes in all, found"
                            + " [2305843009213693952] of F64; " + DAMAGED);
        }

        /** The bytes fit, but not with the padding. */
        @Test
        void paddingOverflows() {
            rejects(
                    new GgufBytes().tensor("t", DType.I8, 0, Long.MAX_VALUE),
                    "m.gguf: byte 33, the shape of 't': expected tensors of less than 2^63 bytes in all, found"
                            + " [9223372036854775807] of I8; " + DAMAGED);
        }

        /** CVE-2025-53630: the running sum of sizes overflows. */
        @Test
        void sumOverflows() {
            rejects(
                    new GgufBytes()
                            .tensor("t", DType.I8, 0, 1L << 62)
                            .tensor("u", DType.I8, 1L << 62, 1L << 62)
                            .data(64),
                    "m.gguf: byte 66, the shape of 'u': expected tensors of less than 2^63 bytes in all, found"
                            + " [4611686018427387904] of I8; " + DAMAGED);
        }

        @Test
        void unknownType() {
            for (int type : new int[] {43, 1000, -1}) {
                rejects(
                        new GgufBytes().tensor("t", 1, new long[] {32}, type, 0).build(),
                        UnsupportedModelException.class,
                        "m.gguf: byte 45, the type of 't': expected a tensor type from 0 to 42, found "
                                + Integer.toUnsignedString(type)
                                + "; the file is damaged or needs a newer version of this library");
            }
        }

        @Test
        void removedTypes() {
            for (DType dtype : DType.values()) {
                if (dtype.isRemoved()) {
                    rejects(
                            new GgufBytes().tensor("t", dtype, 0, 32).build(),
                            UnsupportedModelException.class,
                            "m.gguf: byte 45, the type of 't': expected a tensor type in use, found " + dtype + " ("
                                    + dtype.id() + "), which ggml removed; " + dtype.remedy());
                }
            }
            assertThat(DType.Q4_0_4_4.remedy()).isEqualTo("re-download the model as Q4_0");
        }

        @Test
        void rowsThatDoNotFillBlocks() {
            rejects(
                    new GgufBytes().tensor("t", DType.Q4_K, 0, 96, 4),
                    "m.gguf: byte 33, the shape of 't': expected rows that are a multiple of 256 long, as Q4_K needs,"
                            + " found [96, 4]; " + DAMAGED);
        }

        @Test
        void offsets() {
            // Overlapping, leaving a gap, outside of the file, beyond a long.
            for (long offset : new long[] {0, 64, 1L << 40, -32}) {
                rejects(
                        new GgufBytes()
                                .tensor("t", DType.F32, 0, 8)
                                .tensor("u", DType.F32, offset, 8)
                                .data(64),
                        "m.gguf: byte 82, the data offset of 'u': expected 32, right after the tensor before it at an"
                                + " alignment of 32, found " + Long.toUnsignedString(offset) + "; " + DAMAGED);
            }
        }

        @Test
        void offsetsOfAnotherAlignment() {
            rejects(
                    alignment(64)
                            .alignment(64)
                            .tensor("t", DType.F32, 0, 8)
                            .tensor("u", DType.F32, 32, 8)
                            .data(96),
                    "m.gguf: byte 115, the data offset of 'u': expected 64, right after the tensor before it at an"
                            + " alignment of 64, found 32; " + DAMAGED);
        }
    }

    @Nested
    class Data {
        /** CVE-2026-7482: a tensor that reaches beyond the end of the file. */
        @Test
        void notEnough() {
            byte[] bytes = new GgufBytes()
                    .tensor("t", DType.F32, 0, 8)
                    .tensor("u", DType.F32, 32, 8)
                    .data(63)
                    .build();
            rejects(
                    bytes,
                    ModelFormatException.class,
                    "m.gguf: byte " + bytes.length + ", the data of 2 tensors: expected 64 bytes from byte 96, found"
                            + " the end of the file; " + TRUNCATED);
        }

        @Test
        void notEvenPadding() {
            byte[] bytes =
                    new GgufBytes().alignment(1).tensor("t", DType.F32, 0, 8).build();
            rejects(
                    bytes,
                    ModelFormatException.class,
                    "m.gguf: byte 57, the data of 1 tensors: expected 32 bytes from byte 64, found the end of the file;"
                            + " " + TRUNCATED);
        }

        /** CVE-2026-27940: sizes that pass alone and overflow with the start of the data. */
        @Test
        void memorySizeOverflows() {
            rejects(
                    new GgufBytes()
                            .tensor("t", DType.I8, 0, Long.MAX_VALUE - 31)
                            .data(64),
                    "m.gguf: byte 128, the data of 1 tensors: expected 9223372036854775776 bytes from byte 64, found the"
                            + " end of the file; " + TRUNCATED);
        }
    }
}
