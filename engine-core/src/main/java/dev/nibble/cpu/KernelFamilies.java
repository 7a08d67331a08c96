package dev.nibble.cpu;

import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.KernelSettings;
import dev.nibble.cpu.machine.MachineKernelFamily;
import dev.nibble.cpu.scalar.ScalarKernelFamily;
import dev.nibble.cpu.vector.VectorKernelFamily;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;

/**
 * Chooses the kernel family, once for the process, and says so in one log line.
 *
 * <p>The system property {@value KernelSettings#KERNELS} forces one: {@code scalar}, {@code vector} or {@code machine}. Without
 * it, machine code is used where native access is enabled and the processor has what it needs, the Vector API where its module
 * is present; the former leaves to the latter what it does not serve.
 */
public final class KernelFamilies {
    private static final String PROPERTY = KernelSettings.KERNELS;

    private static final String VECTOR_MODULE = "jdk.incubator.vector";
    private static final String FLAG = "--add-modules " + VECTOR_MODULE;

    private KernelFamilies() {}

    /**
     * The family of this process.
     *
     * @throws IllegalArgumentException if a property of {@link KernelSettings} has a value that there is not
     * @throws IllegalStateException if the property names a family that cannot run here
     */
    public static KernelFamily select() {
        KernelSettings.check();
        return Selected.CHOICE.get();
    }

    /** Chosen when first asked for; a failure is thrown to every caller. */
    private static final class Selected {
        static final Choice CHOICE = chooseAndLog();

        private static Choice chooseAndLog() {
            String forced = KernelSettings.kernels();
            Choice choice = choose(forced, hasVectorModule());
            log(forced, choice);
            return choice;
        }
    }

    /** A family, or why there is none; why there is no machine code, if it was wanted. */
    record Choice(KernelFamily family, String failure, String noMachineCode) {
        Choice(KernelFamily family, String failure) {
            this(family, failure, "");
        }

        KernelFamily get() {
            if (!failure.isEmpty()) {
                throw new IllegalStateException(failure);
            }
            return family;
        }
    }

    private static boolean hasVectorModule() {
        return ModuleLayer.boot().findModule(VECTOR_MODULE).isPresent();
    }

    static Choice choose(String forced, boolean hasVectorModule) {
        KernelFamily scalar = new ScalarKernelFamily();
        KernelFamily plain = hasVectorModule ? VectorFamily.create() : scalar;
        return switch (forced) {
            case "scalar" -> new Choice(scalar, "");
            case "vector" ->
                new Choice(
                        plain,
                        hasVectorModule
                                ? ""
                                : PROPERTY + "=vector: the module " + VECTOR_MODULE + " is missing; start java with "
                                        + FLAG);
            case "machine" -> {
                String failure = MachineKernelFamily.failure();
                yield failure.isEmpty()
                        ? new Choice(new MachineKernelFamily(plain), "")
                        : new Choice(plain, PROPERTY + "=machine: " + failure);
            }
            default -> {
                String failure = MachineKernelFamily.failure();
                yield new Choice(failure.isEmpty() ? new MachineKernelFamily(plain) : plain, "", failure);
            }
        };
    }

    private static void log(String forced, Choice choice) {
        if (!choice.failure.isEmpty()) {
            return;
        }
        Logger logger = System.getLogger("dev.nibble.cpu");
        String family = choice.family.description();
        if (!forced.isEmpty()) {
            logger.log(Level.DEBUG, "CPU kernels: {0}, forced by {1}", family, PROPERTY);
        } else if (choice.family instanceof ScalarKernelFamily) {
            logger.log(
                    Level.WARNING,
                    "CPU kernels: {0}, many times slower than the vector kernels; start java with {1}",
                    family,
                    FLAG);
        } else if (choice.noMachineCode.isEmpty()) {
            logger.log(Level.DEBUG, "CPU kernels: {0}", family);
        } else {
            logger.log(Level.DEBUG, "CPU kernels: {0}; no machine code: {1}", family, choice.noMachineCode);
        }
    }

    /** The only mention of the vector kernels: a class of its own, loaded when their module is known to be there. */
    private static final class VectorFamily {
        static KernelFamily create() {
            return new VectorKernelFamily();
        }
    }
}
