package dev.nibble.model;

/** The non-linearity of a feed-forward layer, applied to the gate (or to the up projection where there is no gate). */
public enum Activation {
    /** x · sigmoid(x). */
    SILU,
    /** 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
    GELU_TANH,
    /** 0.5 x (1 + erf(x/√2)). */
    GELU_ERF,
    /** max(x, 0)². */
    RELU_SQUARED,
    /** gpt-oss: gate clamped above at 7, up to [-7, 7]; gate · sigmoid(1.702 gate) · (up + 1). */
    SWIGLU_OAI
}
