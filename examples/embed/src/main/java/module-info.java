/** A program that runs a language model in its own process. */
module com.example.embed {
    requires dev.nibble.gguf;
}
