/** Reads and writes GGUF model files. */
module dev.nibble.gguf {
    requires transitive dev.nibble.core;
    requires static org.jspecify;

    exports dev.nibble.gguf;

    provides dev.nibble.spi.ModelFormat with
            dev.nibble.gguf.GgufModelFormat;
}
