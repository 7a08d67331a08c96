package dev.nibble;

/** How a session keeps the keys and values of its tokens. */
public enum KvCacheType {
    /** 4 bytes a value: exact, for comparing with a reference. */
    F32,
    /** 2 bytes a value: the default. */
    F16,
    /** 8.5 bits a value: blocks of 32 with a scale; half the memory of F16 at a small loss. */
    Q8_0,
    /**
     * 4.5 bits a value: blocks of 32 with a scale; a little more than a quarter of the memory of F16 at a loss that shows. The values of
     * a head are rotated before they are rounded, so that no block is spoilt by its greatest.
     */
    Q4_0
}
