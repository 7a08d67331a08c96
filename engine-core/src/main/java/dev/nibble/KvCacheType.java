package dev.nibble;

/** How a session keeps the keys and values of its tokens. */
public enum KvCacheType {
    /** 4 bytes a value: exact, for comparing with a reference. */
    F32,
    /** 2 bytes a value: the default. */
    F16,
    /** 8.5 bits a value: blocks of 32 with a scale; half the memory of F16 at a small loss. */
    Q8_0
}
