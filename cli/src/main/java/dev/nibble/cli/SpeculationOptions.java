package dev.nibble.cli;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.Speculation;
import java.io.IOException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How tokens are guessed ahead, which changes the time that a text takes and not the text. */
@HelpSection(HelpSection.Heading.PERFORMANCE)
final class SpeculationOptions {
    @Option(
            names = "--lookup",
            negatable = true,
            description =
                    "Guess that the text goes on as where its last tokens stood before, and evaluate several tokens at"
                            + " once where that pays; the text is the same (default: where machine code runs; not in bench).")
    private @Nullable Boolean lookup;

    @Option(
            names = "--draft",
            paramLabel = "MODEL",
            description = "Let a smaller model with the same vocabulary guess; the text is the same.")
    private @Nullable String draft;

    @Option(
            names = "--mtp",
            description =
                    "Let the model's own block for multi-token prediction guess, if its file has one; the text is the"
                            + " same.")
    private boolean predicts;

    /** The model that guesses, null if none was asked for; the caller closes it. */
    @Nullable LanguageModel open(CliCommand command) throws IOException {
        if ((draft == null ? 0 : 1) + (predicts ? 1 : 0) + (Boolean.TRUE.equals(lookup) ? 1 : 0) > 1) {
            throw new UsageException("give one of --lookup, --draft and --mtp");
        }
        if (draft == null) {
            return null;
        }
        return LanguageModel.load(command.open(draft).file(), LoadOptions.DEFAULT);
    }

    /**
     * The options with what was asked for.
     *
     * @param model that {@link #open} gave
     */
    GenerationOptions with(GenerationOptions options, @Nullable LanguageModel model) {
        if (model != null) {
            return options.withSpeculation(Speculation.draft(model));
        }
        if (predicts) {
            return options.withSpeculation(Speculation.prediction());
        }
        return lookup == null ? options : options.withSpeculation(lookup ? Speculation.lookup() : Speculation.none());
    }
}
