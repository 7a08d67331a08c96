package dev.nibble.cli;

import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** The model of a command without other arguments: {@code -m MODEL}, or {@code MODEL} alone. */
final class ModelArgument {
    @Mixin
    private final ModelOption option = new ModelOption();

    @Parameters(paramLabel = "MODEL", arity = "0..1", description = "The model, as with -m.")
    private @Nullable String argument;

    /** The locator, or null where there is none; two are bad usage. */
    @Nullable String given() {
        if (argument != null && option.locator() != null) {
            throw new UsageException("name one model: '" + argument + "' or -m " + option.locator());
        }
        return argument != null ? argument : option.locator();
    }

    /** The locator; none, or two, are bad usage. */
    String locator() {
        String locator = given();
        if (locator == null) {
            throw new UsageException("name one model: MODEL or -m MODEL");
        }
        return locator;
    }
}
