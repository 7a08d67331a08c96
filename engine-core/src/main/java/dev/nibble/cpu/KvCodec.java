package dev.nibble.cpu;

import dev.nibble.KvCacheType;
import dev.nibble.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** How a KV cache stores its values. Rows are multiples of the type's block. */
abstract sealed class KvCodec {

    static KvCodec of(KvCacheType type, VectorOps ops) {
        return switch (type) {
            case F32 -> new F32();
            case F16 -> new F16(ops);
            case Q8_0 -> new Q8(ops);
        };
    }

    static long rowBytes(KvCacheType type, int dim) {
        return switch (type) {
            case F32 -> 4L * dim;
            case F16 -> 2L * dim;
            case Q8_0 -> DType.Q8_0.byteSize(dim);
        };
    }

    abstract long rowBytes(int dim);

    abstract void write(float[] values, int offset, int count, MemorySegment target, long targetOffset);

    abstract void read(MemorySegment source, long sourceOffset, float[] values, int offset, int count);

    private static final class F32 extends KvCodec {
        @Override
        long rowBytes(int dim) {
            return 4L * dim;
        }

        @Override
        void write(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
            MemorySegment.copy(values, offset, target, ValueLayout.JAVA_FLOAT_UNALIGNED, targetOffset, count);
        }

        @Override
        void read(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
            MemorySegment.copy(source, ValueLayout.JAVA_FLOAT_UNALIGNED, sourceOffset, values, offset, count);
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
        void write(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
            ops.storeF16(values, offset, count, target, targetOffset);
        }

        @Override
        void read(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
            ops.loadF16(source, sourceOffset, values, offset, count);
        }
    }

    private static final class Q8 extends KvCodec {
        private final VectorOps ops;

        Q8(VectorOps ops) {
            this.ops = ops;
        }

        @Override
        long rowBytes(int dim) {
            return DType.Q8_0.byteSize(dim);
        }

        @Override
        void write(float[] values, int offset, int count, MemorySegment target, long targetOffset) {
            ops.storeQ8(values, offset, count, target, targetOffset);
        }

        @Override
        void read(MemorySegment source, long sourceOffset, float[] values, int offset, int count) {
            ops.loadQ8(source, sourceOffset, values, offset, count);
        }
    }
}
