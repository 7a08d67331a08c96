package dev.nibble.model;

/** The non-linearity of a feed-forward layer, applied to the gate (or to the up projection where there is no gate). */
public sealed interface Activation {
    /** x · sigmoid(x). */
    Activation SILU = Plain.SILU;

    /** 0.5 x (1 + tanh(√(2/π) (x + 0.044715 x³))). */
    Activation GELU_TANH = Plain.GELU_TANH;

    /** 0.5 x (1 + erf(x/√2)). */
    Activation GELU_ERF = Plain.GELU_ERF;

    /** max(x, 0). */
    Activation RELU = Plain.RELU;

    /** max(x, 0)². */
    Activation RELU_SQUARED = Plain.RELU_SQUARED;

    /** gpt-oss: gate clamped above at 7, up to [-7, 7]; gate · sigmoid(1.702 gate) · (up + 1). */
    Activation SWIGLU_OAI = Plain.SWIGLU_OAI;

    /** The functions without numbers of a model's own; what each is stands at the constants. */
    enum Plain implements Activation {
        SILU,
        GELU_TANH,
        GELU_ERF,
        RELU,
        RELU_SQUARED,
        SWIGLU_OAI
    }

    /**
     * SwiGLU whose up projection is limited to [-limit, limit], and whose gate is limited above.
     *
     * @param limit above 0
     * @param before whether the gate is limited before its SiLU; else the SiLU is
     */
    record ClampedSwiGlu(float limit, boolean before) implements Activation {}

    /**
     * xIELU (Huang and Schlag 2024, arXiv 2411.13010): {@code positive · x² + beta · x} above 0, else {@code (expm1(min(x,
     * epsilon)) - x) · negative + beta · x}.
     */
    record Xielu(float positive, float negative, float beta, float epsilon) implements Activation {}

    /**
     * {@code beta · tanh(gate / beta) · sigmoid(gate)}, times {@code linearBeta · tanh(up / linearBeta)} (Kimi K3).
     *
     * @param linearBeta 0 for the up projection as it is
     */
    record Situ(float beta, float linearBeta) implements Activation {}
}
