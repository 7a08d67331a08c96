package dev.nibble.cpu;

import dev.nibble.cpu.scalar.ScalarKernelFamily;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Chooses the kernel family, once for the process, and says so in one log line.
 *
 * <p>The system property {@value #PROPERTY} forces one: {@code scalar} or {@code vector}. Without it, the Vector API is
 * used where its module is present.
 */
public final class KernelFamilies {
    /** The system property that forces a family. */
    public static final String PROPERTY = "nibble.kernels";

    private KernelFamilies() {}

    /**
     * The family of this process.
     *
     * @throws IllegalStateException if the property names a family that cannot run or does not exist
     */
    public static KernelFamily select() {
        return Selected.FAMILY.get();
    }

    /** Chosen when first asked for; a failure is thrown to every caller. */
    private static final class Selected {
        static final Choice FAMILY = choose(System.getProperty(PROPERTY, ""));
    }

    private record Choice(KernelFamily family, String failure) {
        KernelFamily get() {
            if (!failure.isEmpty()) {
                throw new IllegalStateException(failure);
            }
            return family;
        }
    }

    private static Choice choose(String forced) {
        Logger logger = System.getLogger("dev.nibble.cpu");
        KernelFamily scalar = new ScalarKernelFamily();
        if (!forced.isEmpty() && !forced.equals("scalar")) {
            return new Choice(scalar, PROPERTY + "=" + forced + ": no such kernel family");
        }
        logger.log(Level.INFO, "CPU kernels: {0}", scalar.description());
        return new Choice(scalar, "");
    }
}
