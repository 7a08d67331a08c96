package dev.nibble.tornado.kernels;

import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.ByteArray;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.ShortArray;

/**
 * Kernels that touch one element of an array: one that is read is uploaded for it, one that is only written is allocated
 * and not uploaded.
 */
public final class TransferKernels {
    private TransferKernels() {}

    public static void readBytes(KernelContext context, ByteArray from, FloatArray to, int index) {
        to.set(index, from.get(0));
    }

    public static void readInts(KernelContext context, IntArray from, FloatArray to, int index) {
        to.set(index, from.get(0));
    }

    public static void readFloats(KernelContext context, FloatArray from, FloatArray to, int index) {
        to.set(index, from.get(0));
    }

    public static void writeFloats(KernelContext context, FloatArray to) {
        to.set(0, 0);
    }

    public static void writeShorts(KernelContext context, ShortArray to) {
        to.set(0, (short) 0);
    }
}
