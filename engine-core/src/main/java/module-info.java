/** The engine: forward pass, kernels, tokenizers, chat templates, sampling and the generate API. */
@SuppressWarnings("module") // the modules that qualified exports name are built after this one
module dev.nibble.core {
    requires jdk.incubator.vector;
    requires static jdk.jfr;
    requires static org.jspecify;

    exports dev.nibble;
    exports dev.nibble.chat;
    exports dev.nibble.constraint;
    exports dev.nibble.cpu.quant to
            dev.nibble.gguf;
    exports dev.nibble.io to
            dev.nibble.gguf;
    exports dev.nibble.json to
            dev.nibble.server;
    exports dev.nibble.model;
    exports dev.nibble.sampling;
    exports dev.nibble.spi;
    exports dev.nibble.tensor;
    exports dev.nibble.tokenizer;

    uses dev.nibble.spi.BackendProvider;
    uses dev.nibble.spi.ModelFormat;

    provides dev.nibble.spi.BackendProvider with
            dev.nibble.cpu.CpuBackendProvider;
}
