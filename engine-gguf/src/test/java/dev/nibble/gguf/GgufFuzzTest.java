package dev.nibble.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import dev.nibble.NibbleException;
import dev.nibble.model.StringArray;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.time.Duration;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/**
 * Files of the right structure with a few wrong bytes: parsing ends with contents that can be used or with a named
 * exception, and with nothing else.
 *
 * <p>{@code -Dnibble.fuzz.seconds=600} for a long run, {@code -Dnibble.fuzz.seed} for another one. A failure prints its
 * input, to be kept in {@link #FINDINGS}.
 */
class GgufFuzzTest {
    private static final List<GgufValueType> TYPES = List.of(GgufValueType.values());
    private static final List<DType> DTYPES = List.of(DType.values());
    private static final long[] EXTREMES = {
        0,
        1,
        2,
        3,
        5,
        7,
        8,
        9,
        10,
        12,
        13,
        31,
        32,
        63,
        64,
        255,
        256,
        1 << 15,
        1 << 16,
        1 << 20,
        1 << 30,
        1L << 31,
        (1L << 32) - 1,
        1L << 32,
        1L << 40,
        1L << 60,
        1L << 61,
        1L << 62,
        Long.MAX_VALUE - 31,
        Long.MAX_VALUE,
        Long.MIN_VALUE,
        -1,
        -2,
        -32
    };

    /** Inputs that once failed otherwise than they should, in Base64. */
    private static final List<String> FINDINGS = List.of();

    @Test
    void pastFindings() {
        for (String finding : FINDINGS) {
            check(Base64.getDecoder().decode(finding), "past finding");
        }
    }

    @Test
    void unchangedFilesParse() {
        for (int seed = 0; seed < 200; seed++) {
            byte[] bytes = file(new SplittableRandom(seed)).build();
            use(GgufParser.parse("fuzz.gguf", MemorySegment.ofArray(bytes)), bytes.length);
        }
    }

    @Test
    void changedFilesParseOrAreRefused() {
        long seed = Long.getLong("nibble.fuzz.seed", 1);
        long end = System.nanoTime()
                + Duration.ofSeconds(Long.getLong("nibble.fuzz.seconds", 2)).toNanos();
        int runs = 0;
        int refused = 0;
        while (System.nanoTime() < end || runs < 1000) {
            SplittableRandom random = new SplittableRandom(seed + runs);
            if (!check(mutate(random), "seed " + (seed + runs))) {
                refused++;
            }
            runs++;
        }
        System.out.println("GGUF reader: " + runs + " fuzzed files, " + refused + " refused");
        assertThat(refused).as("refused of %d", runs).isBetween(runs / 4, runs - 1);
    }

    /** Whether the file was accepted. */
    private static boolean check(byte[] bytes, String what) {
        try {
            use(GgufParser.parse("fuzz.gguf", MemorySegment.ofArray(bytes)), bytes.length);
            return true;
        } catch (NibbleException e) {
            assertThat(e.getMessage()).as(what).startsWith("fuzz.gguf: byte ");
            return false;
        } catch (RuntimeException | Error e) {
            return fail(what + ": " + Base64.getEncoder().encodeToString(bytes), e);
        }
    }

    /** Touches all that a caller can reach. */
    private static void use(GgufParser.Contents contents, int length) {
        contents.values().forEach((key, value) -> {
            assertThat(key).isNotEmpty();
            if (value instanceof StringArray strings) {
                for (int i = 0; i < strings.size(); i++) {
                    assertThat(strings.bytes(i).length).isLessThan(length);
                }
            }
        });
        for (GgufParser.Place place : contents.tensors().values()) {
            assertThat(contents.dataStart() + place.offset() + place.byteSize()).isBetween(0L, (long) length);
        }
    }

    private static byte[] mutate(SplittableRandom random) {
        GgufBytes file = file(random);
        byte[] bytes = file.build();
        List<GgufBytes.Field> fields = file.fields();
        for (int i = random.nextInt(1, 4); i > 0; i--) {
            GgufBytes.Field field = fields.get(random.nextInt(fields.size()));
            switch (random.nextInt(8)) {
                case 0 -> bytes = Arrays.copyOf(bytes, random.nextInt(bytes.length + 1));
                case 1 -> bytes = insert(bytes, random);
                case 2 -> flip(bytes, random);
                case 3 -> put(bytes, field, random.nextLong());
                case 4 -> put(bytes, field, get(bytes, field) + random.nextInt(-2, 3));
                default -> put(bytes, field, EXTREMES[random.nextInt(EXTREMES.length)]);
            }
        }
        return bytes;
    }

    private static byte[] insert(byte[] bytes, SplittableRandom random) {
        int at = random.nextInt(bytes.length + 1);
        int count = random.nextInt(1, 16);
        byte[] longer = Arrays.copyOf(bytes, bytes.length + count);
        System.arraycopy(bytes, at, longer, at + count, bytes.length - at);
        return longer;
    }

    private static void flip(byte[] bytes, SplittableRandom random) {
        if (bytes.length > 0) {
            bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
        }
    }

    private static long get(byte[] bytes, GgufBytes.Field field) {
        long value = 0;
        for (int i = Math.min(field.bytes(), bytes.length - field.offset()) - 1; i >= 0; i--) {
            value = value << 8 | bytes[field.offset() + i] & 0xFF;
        }
        return value;
    }

    private static void put(byte[] bytes, GgufBytes.Field field, long value) {
        for (int i = 0; i < field.bytes() && field.offset() + i < bytes.length; i++) {
            bytes[field.offset() + i] = (byte) (value >> 8 * i);
        }
    }

    /** A right file with some of everything. */
    private static GgufBytes file(SplittableRandom random) {
        GgufBytes file = new GgufBytes().version(random.nextInt(2, 4));
        int alignment = 1 << random.nextInt(8);
        if (random.nextBoolean()) {
            file.pair("general.alignment", GgufValueType.UINT32, bytes -> bytes.u32(alignment))
                    .alignment(alignment);
        }
        int used = file.build().length > 24 ? alignment : 32;
        for (int i = random.nextInt(6); i > 0; i--) {
            GgufValueType type = TYPES.get(random.nextInt(TYPES.size()));
            long seed = random.nextLong();
            file.pair("key." + i, type, bytes -> value(bytes, type, new SplittableRandom(seed)));
        }
        long offset = 0;
        for (int i = random.nextInt(5); i > 0; i--) {
            DType dtype = DTYPES.get(random.nextInt(DTYPES.size()));
            if (!dtype.isRemoved()) {
                long[] dims = new long[random.nextInt(1, 5)];
                Arrays.fill(dims, 1);
                dims[0] = random.nextLong(3) * dtype.blockSize();
                dims[dims.length - 1] *= random.nextInt(3);
                file.tensor("tensor." + i, dtype, offset, dims);
                long elements = Arrays.stream(dims).reduce(1, (a, b) -> a * b);
                offset = GgufParser.align(offset + dtype.byteSize(elements), used);
            }
        }
        return file.data((int) offset);
    }

    private static void value(GgufBytes bytes, GgufValueType type, SplittableRandom random) {
        switch (type) {
            case UINT8, INT8, BOOL -> bytes.u8(random.nextInt());
            case UINT16, INT16 -> bytes.u8(random.nextInt()).u8(random.nextInt());
            case UINT32, INT32, FLOAT32 -> bytes.u32(random.nextInt());
            case UINT64 -> bytes.u64(random.nextLong() >>> 1);
            case INT64, FLOAT64 -> bytes.u64(random.nextLong());
            case STRING -> bytes.string("s".repeat(random.nextInt(20)));
            case ARRAY -> {
                GgufValueType element = TYPES.get(random.nextInt(TYPES.size()));
                int count = random.nextInt(5);
                GgufValueType used = element == GgufValueType.ARRAY ? GgufValueType.STRING : element;
                bytes.u32(used.id()).u64(count);
                for (int i = 0; i < count; i++) {
                    value(bytes, used, random);
                }
            }
        }
    }
}
