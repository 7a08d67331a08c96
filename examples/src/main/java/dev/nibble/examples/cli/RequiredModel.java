package dev.nibble.examples.cli;

import picocli.CommandLine.Option;

/** {@code -m} of the commands that cannot do without. */
final class RequiredModel {
    @Option(
            names = {"-m", "--model"},
            required = true,
            paramLabel = "MODEL",
            description = "A path, hf:org/repo[:quant], ollama:name[:tag], or pypi:package.")
    @SuppressWarnings("NullAway.Init")
    private String locator;

    String locator() {
        return locator;
    }
}
