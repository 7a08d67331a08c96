package dev.nibble;

/** What the inputs of a matrix multiplication with quantized weights are rounded to. */
public enum ActivationType {
    /** Not rounded: the exact path. */
    F32,
    /** 8 bits with a scale for each block, as llama.cpp does; faster where the kernels use it. */
    Q8
}
