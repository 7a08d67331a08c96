package dev.nibble.cpu.machine;

/** A function of machine code, or what does as one. */
@FunctionalInterface
interface NativeFunction {
    /** Runs it. The addresses among the arguments must be of memory that is there, and not mapped from a file. */
    void call(long a, long b, long c, long d, long e, long f);
}
