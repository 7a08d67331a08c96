/** Reads and writes GGUF model files. */
module dev.nibble.gguf {
    requires transitive dev.nibble.core;
    requires static org.jspecify;
}
