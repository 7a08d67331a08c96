package dev.nibble.examples.cli;

import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.NibbleException;
import dev.nibble.constraint.Constraint;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** What an answer has to look like. */
@HelpSection(HelpSection.Heading.OUTPUT)
final class ConstraintOptions {
    @Option(
            names = "--schema",
            paramLabel = "FILE",
            description = "Keep the answer to JSON that satisfies this JSON schema.")
    private @Nullable Path schema;

    @Option(names = "--grammar", paramLabel = "FILE", description = "Keep the answer to this grammar in GBNF.")
    private @Nullable Path grammar;

    @Option(
            names = "--regex",
            paramLabel = "REGEX",
            description = "Keep the answer to this regular expression, which it matches as a whole.")
    private @Nullable String regex;

    @Option(
            names = "--choice",
            paramLabel = "TEXT",
            description = "Keep the answer to one of these texts; repeated for each.")
    private List<String> choices = List.of();

    /** The constraint, null if none was asked for; one that cannot be kept is an exception of the library. */
    @Nullable Constraint constraint(InputStream in) throws IOException {
        long given = Stream.of(schema, grammar, regex, choices.isEmpty() ? null : choices)
                .filter(Objects::nonNull)
                .count();
        if (given > 1) {
            throw new UsageException("give one of --schema, --grammar, --regex and --choice, not " + given);
        }
        if (schema != null) {
            return Constraint.jsonSchema(Input.text(schema, in));
        }
        if (grammar != null) {
            return Constraint.grammar(Input.text(grammar, in));
        }
        if (regex != null) {
            return Constraint.regex(regex);
        }
        return choices.isEmpty() ? null : Constraint.choices(choices);
    }

    /** The options with the constraint, if there is one. */
    static GenerationOptions with(GenerationOptions options, @Nullable Constraint constraint) {
        return constraint == null ? options : options.withConstraint(constraint);
    }

    /** Fails if a text that was kept to a constraint ended before it satisfied that: a program must not take it for whole. */
    static void requireComplete(GenerationOptions options, Generation generation) {
        if (options.constraint().isPresent()
                && !generation.isComplete()
                && generation.finishReason() != FinishReason.CANCELLED) {
            throw new NibbleException("the answer was ended by " + ModelCommand.describe(generation.finishReason())
                    + " before it satisfied " + options.constraint().get());
        }
    }
}
