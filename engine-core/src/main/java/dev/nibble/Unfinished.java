package dev.nibble;

/** Stands in for the bodies while the API is laid out. */
final class Unfinished {
    private Unfinished() {}

    @SuppressWarnings("TypeParameterUnusedInFormals")
    static <T> T body() {
        if (Unfinished.class.getName().isEmpty()) {
            throw new AssertionError();
        }
        throw new UnsupportedOperationException();
    }
}
