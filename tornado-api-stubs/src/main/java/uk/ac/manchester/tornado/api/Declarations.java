package uk.ac.manchester.tornado.api;

/** Why nothing here does anything: these are declarations to compile against. */
public final class Declarations {
    private Declarations() {}

    /** What every method that needs a device throws. */
    public static UnsupportedOperationException only() {
        return new UnsupportedOperationException(
                "these are declarations to compile against, not TornadoVM; start with its argfile");
    }
}
