package dev.nibble.cpu.state;

import dev.nibble.KvCacheType;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.cpu.kernel.VectorOps;
import dev.nibble.cpu.pool.Scratch;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How a KV cache stores its values.
 *
 * <p>Values lie position by position. Keys lie in blocks of {@link #BLOCK} positions with the positions innermost,
 * [element, position], so that the scores of a block are sums over whole vectors of keys and none across lanes. In Q8_0
 * the 32 values of one position that share a scale are those of its row; the block has, for each 32 elements, the scales
 * of all positions and then their bytes.
 */
abstract sealed class KvCodec {
    /** Positions of a block. */
    static final int BLOCK = 64;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    static KvCodec of(KvCacheType type, VectorOps ops) {
        return switch (type) {
            case F32 -> new F32();
            case F16 -> new F16(ops);
            case Q8_0 -> new Q8(ops);
        };
    }

    /**
     * Bytes of a row.
     *
     * @throws UnsupportedModelException if rows of {@code dim} elements do not fill the type's blocks
     */
    static long rowBytes(KvCacheType type, int dim) {
        return switch (type) {
            case F32 -> 4L * dim;
            case F16 -> 2L * dim;
            case Q8_0 -> {
                if (dim % DType.Q8_0.blockSize() != 0) {
                    throw new UnsupportedModelException("a KV cache of type Q8_0 holds " + DType.Q8_0.blockSize()
                            + " elements a block, which keys or values of " + dim
                            + " elements do not fill; choose F16 for this model");
                }
                yield DType.Q8_0.byteSize(dim);
            }
        };
    }

    /** Bytes of the key or value of a position; a block of keys is {@link #BLOCK} times as large. */
    abstract long rowBytes(int dim);

    /** Stores a key of {@code dim} elements at index {@code slot} of the block at byte {@code block}. */
    abstract void writeKey(
            float[] key, int offset, int dim, MemorySegment target, long block, int slot, Scratch scratch);

    /** Reads the block of keys at byte {@code block}: [dim, BLOCK]. */
    abstract void readKeys(MemorySegment source, long block, int dim, float[] out, Scratch scratch);

    abstract void writeValue(
            float[] value, int offset, int dim, MemorySegment target, long targetOffset, Scratch scratch);

    /** Reads {@code count} elements of adjacent values, to index {@code at} on. */
    abstract void readValues(
                MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch);

    /** Whether a page of keys, or of values, holds infinities: numbers that were too large for the type when they were stored. */
    abstract boolean hasOverflowed(MemorySegment page);

    private static final class F32 extends KvCodec {
        @Override
        long rowBytes(int dim) {
            return 4L * dim;
        }

        @Override
        void writeKey(float[] key, int offset, int dim, MemorySegment target, long block, int slot, Scratch scratch) {
            for (int i = 0; i < dim; i++) {
                target.set(FLOAT, block + 4L * (i * BLOCK + slot), key[offset + i]);
            }
        }

        @Override
        void readKeys(MemorySegment source, long block, int dim, float[] out, Scratch scratch) {
            MemorySegment.copy(source, FLOAT, block, out, 0, dim * BLOCK);
        }

        @Override
        void writeValue(float[] value, int offset, int dim, MemorySegment target, long targetOffset, Scratch scratch) {
            MemorySegment.copy(value, offset, target, FLOAT, targetOffset, dim);
        }

        @Override
        void readValues(
                MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            MemorySegment.copy(source, FLOAT, sourceOffset, out, at, count);
        }

        @Override
        boolean hasOverflowed(MemorySegment page) {
            return false; // an infinity was one before
        }
    }

    private static final class F16 extends KvCodec {
        private final VectorOps ops;

        F16(VectorOps ops) {
            this.ops = ops;
        }

        @Override
        long rowBytes(int dim) {
            return 2L * dim;
        }

        @Override
        void writeKey(float[] key, int offset, int dim, MemorySegment target, long block, int slot, Scratch scratch) {
            for (int i = 0; i < dim; i++) {
                target.set(SHORT, block + 2L * (i * BLOCK + slot), Float.floatToFloat16(key[offset + i]));
            }
        }

        @Override
        void readKeys(MemorySegment source, long block, int dim, float[] out, Scratch scratch) {
            ops.loadF16(source, block, out, 0, dim * BLOCK, scratch);
        }

        @Override
        void writeValue(float[] value, int offset, int dim, MemorySegment target, long targetOffset, Scratch scratch) {
            ops.storeF16(value, offset, dim, target, targetOffset, scratch);
        }

        @Override
        void readValues(
                MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            ops.loadF16(source, sourceOffset, out, at, count, scratch);
        }

        @Override
        boolean hasOverflowed(MemorySegment page) {
            for (long at = 0; at < page.byteSize(); at += Short.BYTES) {
                if ((page.get(SHORT, at) & 0x7fff) == 0x7c00) {
                    return true;
                }
            }
            return false;
        }
    }

    private static final class Q8 extends KvCodec {
        private static final int GROUP = 32;
        private static final int ROW_BYTES = 2 + GROUP;
        private static final int GROUP_BYTES = BLOCK * ROW_BYTES;
        private static final int QUANTS = 2 * BLOCK;

        private final VectorOps ops;

        Q8(VectorOps ops) {
            this.ops = ops;
        }

        @Override
        long rowBytes(int dim) {
            return DType.Q8_0.byteSize(dim);
        }

        @Override
        void writeKey(float[] key, int offset, int dim, MemorySegment target, long block, int slot, Scratch scratch) {
            MemorySegment row = scratch.bytes(ROW_BYTES);
            for (int i = 0; i < dim; i += GROUP) {
                store(key, offset + i, GROUP, row, 0);
                long group = block + (long) (i / GROUP) * GROUP_BYTES;
                target.set(SHORT, group + 2L * slot, row.get(SHORT, 0));
                for (int j = 0; j < GROUP; j++) {
                    target.set(
                            ValueLayout.JAVA_BYTE,
                            group + QUANTS + j * BLOCK + slot,
                            row.get(ValueLayout.JAVA_BYTE, 2 + j));
                }
            }
        }

        @Override
        void readKeys(MemorySegment source, long block, int dim, float[] out, Scratch scratch) {
            float[] scales = scratch.tile(BLOCK);
            for (int i = 0; i < dim; i += GROUP) {
                long group = block + (long) (i / GROUP) * GROUP_BYTES;
                ops.loadF16(source, group, scales, 0, BLOCK, scratch);
                ops.loadScaledBytes(source, group + QUANTS, GROUP, BLOCK, scales, out, i * BLOCK);
            }
        }

        @Override
        void writeValue(float[] value, int offset, int dim, MemorySegment target, long targetOffset, Scratch scratch) {
            store(value, offset, dim, target, targetOffset);
        }

        @Override
        void readValues(
                MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            ops.loadQ8(source, sourceOffset, out, at, count);
        }

        private void store(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
            try {
                ops.storeQ8(values, offset, count, target, targetOffset);
            } catch (IllegalArgumentException e) {
                throw new NibbleException(
                        "the KV cache of type Q8_0 cannot hold the keys or values of this model (" + e.getMessage()
                                + "); use KvCacheType.F32 (--kv f32)",
                        e);
            }
        }

        @Override
        boolean hasOverflowed(MemorySegment page) {
            return false; // refused when it is stored
        }
    }
}
