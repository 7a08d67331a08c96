package dev.nibble.testdata;

/** How wide the vectors of the processor are: wider ones are emulated, which is slower a hundred times. */
final class ProcessorVectors {
    private ProcessorVectors() {}

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
        return Integer.getInteger("nibble.vector.bits", 0) > bits();
    }

    /** Whether the build asks for vectors that machine code uses without being asked. */
    static boolean areTheUsual() {
        return Integer.getInteger("nibble.vector.bits", 0) == bits();
    }
}
