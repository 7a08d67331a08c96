/** Generators of models for tests and measurements, and the way to the reference data. Not published. */
module dev.nibble.testdata {
    requires transitive dev.nibble.gguf;
    requires static org.jspecify;
    requires static java.logging; // the tests': what is logged
    requires static java.management; // and how much memory is in use outside the heap

    exports dev.nibble.testdata;

    uses dev.nibble.spi.BackendProvider;
}
