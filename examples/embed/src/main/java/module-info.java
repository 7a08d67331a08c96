/** A program that runs a language model in its own process. */
module com.example.embed {
    requires dev.nibble.gguf;

    // It makes the records that answers are wanted as.
    opens com.example.embed to
            dev.nibble.core;
}
