package dev.nibble.cli;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.LoadOptions;
import dev.nibble.model.Model.Pooling;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "embed",
        description = "Prints the embedding of each text as a JSON array on a line of its own.",
        footer = {
            "",
            "Any model will do, but one made for it does well: bert, nomic-bert, gemma-embedding, Qwen3-Embedding. The file "
                    + "says how the states of a text's tokens become one embedding; --pooling chooses otherwise. With none, a line is "
                    + "an array of the embeddings of all tokens. Embeddings have the length 1 unless --no-normalize, so that the dot "
                    + "product of two is their cosine similarity.",
            "",
            "Examples:",
            "  nibble embed -m model.gguf \"How do bees find home?\" \"Bees navigate by the sun.\"",
            "  nibble embed -m model.gguf --file text.txt",
            "  nibble embed -m model.gguf --lines texts.jsonl    one JSON string a line in, one array a line out"
        })
final class EmbedCommand extends ModelCommand {
    /** Texts embedded before their results are printed. */
    private static final int TEXTS_AT_ONCE = 64;

    /** The poolings by the names that llama.cpp gives them. */
    enum PoolingName {
        none(Pooling.NONE),
        mean(Pooling.MEAN),
        cls(Pooling.FIRST),
        last(Pooling.LAST);

        private final Pooling pooling;

        PoolingName(Pooling pooling) {
            this.pooling = pooling;
        }

        Pooling pooling() {
            return pooling;
        }
    }

    @Mixin
    private final ModelOption model = new ModelOption();

    @Parameters(
            paramLabel = "[MODEL] [TEXT...]",
            arity = "0..*",
            hideParamSyntax = true,
            description = "The model, unless -m names it, and the texts.")
    private List<String> arguments = List.of();

    @Option(names = "--file", paramLabel = "F", description = "Take the text of a file, - for standard input.")
    private @Nullable Path file;

    @Option(
            names = "--lines",
            paramLabel = "F",
            description = "Take a JSON string from each line of a file, - for standard input.")
    private @Nullable Path lines;

    @Option(
            names = "--pooling",
            paramLabel = "P",
            description = "${COMPLETION-CANDIDATES} (default: what the file says).")
    private @Nullable PoolingName pooling;

    @Option(names = "--no-normalize", description = "Leave the embeddings as long as they are.")
    private boolean noNormalize;

    @Override
    void execute() throws IOException {
        ModelOption.Arguments named = model.withModel(arguments);
        List<String> given = texts(named.texts());
        EmbeddingOptions options = EmbeddingOptions.DEFAULT.withNormalize(!noNormalize);
        if (pooling != null) {
            options = options.withPooling(pooling.pooling());
        }
        try (EmbeddingModel loaded = load(String.valueOf(named.model()), options)) {
            for (int from = 0; from < given.size(); from += TEXTS_AT_ONCE) {
                List<String> part = given.subList(from, Math.min(given.size(), from + TEXTS_AT_ONCE));
                if (loaded.pooling() == Pooling.NONE) {
                    part.forEach(text -> print(loaded.embedTokens(text)));
                } else {
                    loaded.embed(part).forEach(this::print);
                }
            }
        }
    }

    private List<String> texts(List<String> given) throws IOException {
        long sources = (given.isEmpty() ? 0 : 1)
                + Stream.of(file, lines).filter(Objects::nonNull).count();
        if (sources != 1) {
            throw new UsageException("give one of TEXT, --file and --lines, not " + sources);
        }
        if (!given.isEmpty()) {
            return given;
        }
        return file != null
                ? List.of(Input.text(file, streams().in()))
                : JsonLines.read(Objects.requireNonNull(lines), streams().in());
    }

    private EmbeddingModel load(String locator, EmbeddingOptions options) throws IOException {
        return load(
                open(locator),
                UnaryOperator.identity(),
                LoadOptions.DEFAULT,
                (file, loadOptions) -> EmbeddingModel.load(file, loadOptions, options),
                EmbeddingModel::backendDescription);
    }

    private void print(float[] embedding) {
        out().println(JsonLines.array(embedding));
    }

    private void print(float[][] embeddings) {
        out().println(Stream.of(embeddings).map(JsonLines::array).collect(Collectors.joining(",", "[", "]")));
    }
}
