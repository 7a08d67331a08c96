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
 * [element, position], so that the scores of a block are sums over whole vectors of keys and none across lanes. In Q8_0 and Q4_0
 * the 32 values of one position that share a scale are those of its row; the block has, for each 32 elements, the scales
 * of all positions and then their bytes, in Q4_0 of two elements each.
 *
 * <p>In Q4_0 a row is rotated before it is rounded, by a Hadamard matrix: one great value among small ones would leave these no
 * levels, and is spread over all by it. Products of keys with queries that are rotated alike are the same, and sums of values are
 * rotated back once they are summed up, so that reading does not see it.
 */
abstract sealed class KvCodec {
    /** Positions of a block. */
    static final int BLOCK = 64;

    private static final ValueLayout.OfShort SHORT =
            ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfFloat FLOAT =
            ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

    /**
     * @param rotates whether values may be kept rotated, for what reads them to bring queries into the same form and sums back
     */
    static KvCodec of(KvCacheType type, VectorOps ops, boolean rotates) {
        return switch (type) {
            case F32 -> new F32();
            case F16 -> new F16(ops);
            case Q8_0 -> new Q8(ops);
            case Q4_0 -> new Q4(ops, rotates);
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
            case Q8_0 -> blockBytes(DType.Q8_0, dim);
            case Q4_0 -> blockBytes(DType.Q4_0, dim);
        };
    }

    private static long blockBytes(DType type, int dim) {
        if (dim % type.blockSize() != 0) {
            throw new UnsupportedModelException("a KV cache of type " + type + " holds " + type.blockSize()
                    + " elements a block, which keys or values of " + dim
                    + " elements do not fill; choose F16 for this model");
        }
        return type.byteSize(dim);
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
    abstract void readValues(MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch);

    /** Brings rows, [count, dim], into the form in which values are kept, or back: it is its own inverse. */
    void rotate(float[] rows, int count, int dim) {}

    /** Whether a part of a page holds infinities: numbers that were too large for the type when they were stored. */
    abstract boolean hasOverflowed(MemorySegment part);

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
        void readValues(MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            MemorySegment.copy(source, FLOAT, sourceOffset, out, at, count);
        }

        @Override
        boolean hasOverflowed(MemorySegment part) {
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
        void readValues(MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            ops.loadF16(source, sourceOffset, out, at, count, scratch);
        }

        @Override
        boolean hasOverflowed(MemorySegment part) {
            for (long at = 0; at < part.byteSize(); at += Short.BYTES) {
                if ((part.get(SHORT, at) & 0x7fff) == 0x7c00) {
                    return true;
                }
            }
            return false;
        }
    }

    /** Values in blocks of 32 with a scale; keys have the scales of all positions together, then the rest by element. */
    private abstract static sealed class Blocks extends KvCodec {
        static final int GROUP = 32;

        private final KvCacheType type;
        private final DType blocks;
        private final int keyRows;
        final VectorOps ops;

        /**
         * @param keyRows rows of {@link #BLOCK} bytes that a group of keys has
         */
        Blocks(KvCacheType type, DType blocks, int keyRows, VectorOps ops) {
            this.type = type;
            this.blocks = blocks;
            this.keyRows = keyRows;
            this.ops = ops;
        }

        abstract void quantize(float[] values, int offset, int count, MemorySegment target, long targetOffset);

        /** Reads the keys of a group: [GROUP, BLOCK]. */
        abstract void readGroup(MemorySegment source, long at, float[] scales, float[] out, int outAt);

        @Override
        long rowBytes(int dim) {
            return blocks.byteSize(dim);
        }

        @Override
        void writeKey(float[] key, int offset, int dim, MemorySegment target, long block, int slot, Scratch scratch) {
            MemorySegment row = scratch.bytes(Math.toIntExact(rowBytes(dim)));
            store(key, offset, dim, row, 0, scratch);
            long at = 0;
            for (long group = block; at < rowBytes(dim); group += (long) BLOCK * (2 + keyRows), at += 2 + keyRows) {
                target.set(SHORT, group + 2L * slot, row.get(SHORT, at));
                for (int j = 0; j < keyRows; j++) {
                    target.set(
                            ValueLayout.JAVA_BYTE,
                            group + (2L + j) * BLOCK + slot,
                            row.get(ValueLayout.JAVA_BYTE, at + 2 + j));
                }
            }
        }

        @Override
        void readKeys(MemorySegment source, long block, int dim, float[] out, Scratch scratch) {
            float[] scales = scratch.tile(BLOCK);
            long group = block;
            for (int i = 0; i < dim; i += GROUP, group += (long) BLOCK * (2 + keyRows)) {
                ops.loadF16(source, group, scales, 0, BLOCK, scratch);
                readGroup(source, group + 2L * BLOCK, scales, out, i * BLOCK);
            }
        }

        @Override
        void writeValue(float[] value, int offset, int dim, MemorySegment target, long targetOffset, Scratch scratch) {
            store(value, offset, dim, target, targetOffset, scratch);
        }

        void store(float[] values, int offset, int count, MemorySegment target, long targetOffset, Scratch scratch) {
            try {
                quantize(values, offset, count, target, targetOffset);
            } catch (IllegalArgumentException e) {
                throw new NibbleException(
                        "the KV cache of type " + type + " cannot hold the keys or values of this model ("
                                + e.getMessage() + "); use KvCacheType.F32 (--kv f32)",
                        e);
            }
        }

        @Override
        boolean hasOverflowed(MemorySegment part) {
            return false; // refused when it is stored
        }
    }

    private static final class Q8 extends Blocks {
        Q8(VectorOps ops) {
            super(KvCacheType.Q8_0, DType.Q8_0, GROUP, ops);
        }

        @Override
        void quantize(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
            ops.storeQ8(values, offset, count, target, targetOffset);
        }

        @Override
        void readGroup(MemorySegment source, long at, float[] scales, float[] out, int outAt) {
            ops.loadScaledBytes(source, at, GROUP, BLOCK, scales, out, outAt);
        }

        @Override
        void readValues(MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            ops.loadQ8(source, sourceOffset, out, at, count);
        }
    }

    private static final class Q4 extends Blocks {
        private final boolean rotates;

        Q4(VectorOps ops, boolean rotates) {
            super(KvCacheType.Q4_0, DType.Q4_0, GROUP / 2, ops);
            this.rotates = rotates;
        }

        @Override
        void quantize(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
            ops.storeQ4(values, offset, count, target, targetOffset);
        }

        @Override
        void store(float[] values, int offset, int count, MemorySegment target, long targetOffset, Scratch scratch) {
            float[] rotated = scratch.tile(count);
            System.arraycopy(values, offset, rotated, 0, count);
            rotate(rotated, 1, count);
            super.store(rotated, 0, count, target, targetOffset, scratch);
        }

        @Override
        void rotate(float[] rows, int count, int dim) {
            if (rotates) {
                ops.rotate(rows, 0, count * dim, Integer.lowestOneBit(dim));
            }
        }

        @Override
        void readGroup(MemorySegment source, long at, float[] scales, float[] out, int outAt) {
            ops.loadScaledNibbles(source, at, GROUP / 2, BLOCK, scales, out, outAt);
        }

        @Override
        void readValues(MemorySegment source, long sourceOffset, int count, float[] out, int at, Scratch scratch) {
            ops.loadQ4(source, sourceOffset, out, at, count);
        }
    }
}
