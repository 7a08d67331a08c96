package dev.nibble.cli;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/**
 * {@code -m MODEL}, and how it goes together with arguments that may begin with the model: {@code -m MODEL TEXT} and
 * {@code MODEL TEXT} are the same.
 */
@HelpSection(HelpSection.Heading.MODEL)
final class ModelOption {
    @Option(
            names = {"-m", "--model"},
            paramLabel = "MODEL",
            description = "A path, hf:org/repo[:quant], ollama:name[:tag], or pypi:package.")
    private @Nullable String locator;

    /** A command line taken apart: the model, null where none is named, and the texts. */
    record Arguments(@Nullable String model, List<String> texts) {}

    /** What was given with the option, or null. */
    @Nullable String locator() {
        return locator;
    }

    /** {@code words} of a command that needs a model: without the option the first word is the model. */
    Arguments withModel(List<String> words) {
        if (locator == null && words.isEmpty()) {
            throw new UsageException("name one model: MODEL or -m MODEL");
        }
        return locator != null
                ? new Arguments(locator, words)
                : new Arguments(words.get(0), words.subList(1, words.size()));
    }

    /**
     * {@code words} of a command that takes a model and a text and can do without both: a word alone is the text where
     * the option names the model, or where it has spaces and is no file.
     *
     * @param textGiven whether the text is given by another option
     */
    Arguments withOrWithoutModel(List<String> words, boolean textGiven) {
        if (words.size() > (locator == null ? 1 : 0) + (textGiven ? 0 : 1)) {
            throw new UsageException("too many arguments: '" + words.get(words.size() - 1)
                    + "'; at most a model and a text are given, a text of several words in quotes");
        }
        boolean onlyText = locator == null && words.size() == 1 && !textGiven && !mayBeModel(words.get(0));
        return onlyText
                ? new Arguments(null, words)
                : words.isEmpty() ? new Arguments(locator, words) : withModel(words);
    }

    private static boolean mayBeModel(String word) {
        if (word.chars().noneMatch(Character::isWhitespace)
                || word.toLowerCase(Locale.ROOT).endsWith(".gguf")) {
            return true;
        }
        try {
            return Files.exists(Path.of(word));
        } catch (InvalidPathException e) {
            return false;
        }
    }
}
