package dev.nibble.examples.cli;

import dev.nibble.LanguageModel;
import dev.nibble.constraint.Constraint;
import dev.nibble.constraint.Matcher;
import dev.nibble.constraint.TokenMasks;
import dev.nibble.model.ModelSource;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Objects;
import java.util.Random;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "constrain",
        description = "Says which texts a constraint lets a model write, token by token, as JSON.",
        footer = {
            "",
            "Only the file's vocabulary is needed. Each line of --lines is a JSON string; for each, one line is printed: "
                    + "{\"accepted\":...,\"refused_at\":...}. refused_at is the offset in bytes of the token that may not come, "
                    + "null where only the end may not. A constraint that cannot be kept is refused: exit code 1, and one "
                    + "line that names the keyword and its place.",
            "",
            "Examples:",
            "  nibble constrain -m model.gguf --schema s.json --lines texts.jsonl",
            "  nibble constrain -m model.gguf --grammar g.gbnf --lines - --split bytes < texts.jsonl"
        })
final class ConstrainCommand extends CliCommand {
    @Option(
            names = {"-m", "--model"},
            required = true,
            paramLabel = "MODEL",
            description = "The model whose vocabulary is used.")
    @SuppressWarnings("NullAway.Init")
    private String model;

    @Option(names = "--schema", paramLabel = "FILE", description = "A JSON schema.")
    private @Nullable Path schema;

    @Option(names = "--grammar", paramLabel = "FILE", description = "A grammar in GBNF.")
    private @Nullable Path grammar;

    @Option(
            names = "--regex-file",
            paramLabel = "FILE",
            description = "A regular expression; the end of the last line is no part of it.")
    private @Nullable Path regex;

    @Option(
            names = "--lines",
            required = true,
            paramLabel = "FILE",
            description = "The texts, a JSON string a line; - for standard input.")
    @SuppressWarnings("NullAway.Init")
    private Path lines;

    @Option(
            names = "--split",
            paramLabel = "HOW",
            description =
                    "How the texts are cut into tokens: own (default) as the tokenizer does, bytes a byte each, or a "
                            + "number for cuts at random with this seed.")
    private String split = "own";

    @Override
    void execute() throws IOException {
        if (Stream.of(schema, grammar, regex).filter(Objects::nonNull).count() != 1) {
            throw new UsageException("give one of --schema, --grammar and --regex-file");
        }
        if (!split.matches("own|bytes|-?\\d{1,18}")) {
            throw new UsageException("--split is own, bytes or a number, not '" + split + "'");
        }
        Constraint constraint = constraint();
        try (ModelSource source = LanguageModel.open(resolve(model))) {
            Tokenizer tokenizer = Tokenizers.from(source.metadata());
            TokenMasks masks = TokenMasks.of(tokenizer);
            TextCutter cutter = new TextCutter(tokenizer, masks);
            boolean random = !split.equals("own") && !split.equals("bytes");
            Random cuts = new Random(random ? Long.parseLong(split) : 0);
            for (String text : JsonLines.read(lines, streams().in())) {
                int[] tokens = random
                        ? cutter.random(text, cuts)
                        : split.equals("own") ? cutter.own(text) : cutter.bytes(text);
                out().println(verdict(constraint, masks, tokens));
            }
        }
    }

    private Constraint constraint() throws IOException {
        if (schema != null) {
            return Constraint.jsonSchema(Input.text(schema, streams().in()));
        }
        if (grammar != null) {
            return Constraint.grammar(Input.text(grammar, streams().in()));
        }
        return Constraint.regex(
                Input.text(Objects.requireNonNull(regex), streams().in()).replaceFirst("\\r?\\n\\z", ""));
    }

    /** What a constraint says of a text. */
    static String verdict(Constraint constraint, TokenMasks masks, int[] tokens) {
        Matcher matcher = constraint.matcher(masks);
        long[] mask = new long[matcher.maskWords()];
        int offset = 0;
        for (int token : tokens) {
            matcher.mask(mask);
            if ((mask[token >> 6] >>> token & 1) == 0) {
                return "{\"accepted\":false,\"refused_at\":" + offset + "}";
            }
            matcher = matcher.accept(token);
            offset += masks.bytes(token).length;
        }
        return "{\"accepted\":" + matcher.isComplete() + ",\"refused_at\":null}";
    }
}
