package dev.nibble.testdata;

import java.util.List;

/** The vectors of this runtime, if it has their module, and how wide they are: wider ones are emulated, which is slower a hundred times. */
final class ProcessorVectors {
    private ProcessorVectors() {}

    private static final String MODULE = "jdk.incubator.vector";

    /** For a process like this one: the option that brings the module, where there is one. */
    static List<String> options() {
        return areThere() ? List.of("--add-modules", MODULE) : List.of();
    }

    static boolean areThere() {
        return ModuleLayer.boot().findModule(MODULE).isPresent();
    }

    static int bits() {
        try {
            // by reflection: the module of the tests does not read that of the vectors
            Object species = Class.forName("jdk.incubator.vector.FloatVector")
                    .getField("SPECIES_PREFERRED")
                    .get(null);
            return (int) Class.forName("jdk.incubator.vector.VectorSpecies")
                    .getMethod("vectorBitSize")
                    .invoke(species);
        } catch (ReflectiveOperationException e) {
            throw new IllegalStateException("no module jdk.incubator.vector", e);
        }
    }

    /** Whether the build asks for vectors that the processor lacks. */
    static boolean areEmulated() {
        return areThere() && Integer.getInteger("nibble.vector.bits", 0) > bits();
    }

    /** Whether the build asks for vectors that machine code uses without being asked. */
    static boolean areTheUsual() {
        return areThere() && Integer.getInteger("nibble.vector.bits", 0) == bits();
    }
}
