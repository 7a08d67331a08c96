/** Generators of models for tests and measurements, and the way to the reference data. Not published. */
module dev.nibble.testdata {
    requires transitive dev.nibble.gguf;
    requires static org.jspecify;

    exports dev.nibble.testdata;

    uses dev.nibble.spi.BackendProvider;

    requires java.logging; // tests read what is logged
}
