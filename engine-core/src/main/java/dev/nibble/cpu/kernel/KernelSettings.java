package dev.nibble.cpu.kernel;

import java.util.List;

/** The system properties that force kernels. One that is not set, or empty, forces nothing. */
public final class KernelSettings {
    /** Forces a family. */
    public static final String KERNELS = "nibble.kernels";

    /** Forces the width of vectors in bits. */
    public static final String VECTOR_BITS = "nibble.vector.bits";

    /** Forces the lanes in which the vector family multiplies prompts. */
    public static final String VECTOR_BATCHES = "nibble.vector.batches";

    /** Switches kernels with tiles (AMX) on, which are off without it. */
    public static final String AMX = "nibble.amx";

    private KernelSettings() {}

    /**
     * Checks all of them, so that no constant that is made from one fails.
     *
     * @throws IllegalArgumentException naming the property, its value and those there are
     */
    public static void check() {
        kernels();
        vectorBits();
        vectorBatches();
        amx();
    }

    /** {@code scalar}, {@code vector}, {@code machine} or empty. */
    public static String kernels() {
        return value(KERNELS, List.of("scalar", "vector", "machine"), "kernels");
    }

    /** 128, 256, 512, or 0 for none. */
    public static int vectorBits() {
        String bits = value(VECTOR_BITS, List.of("128", "256", "512"), "vector width");
        return bits.isEmpty() ? 0 : Integer.parseInt(bits);
    }

    /** {@code shorts}, {@code floats} or empty. */
    public static String vectorBatches() {
        return value(VECTOR_BATCHES, List.of("shorts", "floats"), "lanes");
    }

    /** Whether {@code on} and not {@code off}, which empty means. */
    public static boolean amx() {
        return value(AMX, List.of("on", "off"), "setting").equals("on");
    }

    private static String value(String property, List<String> values, String what) {
        String value = System.getProperty(property, "");
        if (!value.isEmpty() && !values.contains(value)) {
            String all = String.join(", ", values.subList(0, values.size() - 1)) + " and " + values.getLast();
            throw new IllegalArgumentException(
                    "the system property " + property + "=" + value + ": no such " + what + "; there are " + all);
        }
        return value;
    }
}
