package dev.nibble.cli;

import dev.nibble.EmbeddingModel;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.MemoryPlan;
import dev.nibble.NibbleException;
import dev.nibble.RerankModel;
import dev.nibble.UnsupportedModelException;
import dev.nibble.chat.ChatTemplates;
import dev.nibble.cli.models.ResolvedModel;
import dev.nibble.io.OutputFile;
import dev.nibble.model.Architectures;
import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import dev.nibble.model.StringArray;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Tensor;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import dev.nibble.tokenizer.Vocabulary;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
        name = "inspect",
        description = "Shows what a model file holds and what it needs to run.",
        footer = {
            "",
            "Examples:",
            "  nibble inspect model.gguf",
            "  nibble inspect model.gguf --ctx 32768              the memory for a long context",
            "  nibble inspect model.gguf --tensors --metadata     everything in it",
            "  nibble inspect model.gguf --dump blk.0.attn_q.weight --out q.f32"
        })
final class InspectCommand extends ModelCommand {
    private static final int MAX_SHOWN = 100;

    @Mixin
    private final ModelArgument model = new ModelArgument();

    @Option(names = "--tensors", description = "List the tensors: name, type, shape, bytes.")
    private boolean tensors;

    @Option(names = "--metadata", description = "List the metadata: key and value, arrays by their length.")
    private boolean metadata;

    @Option(names = "--dump", paramLabel = "TENSOR", description = "Write the tensor's values to --out instead.")
    private @Nullable String dump;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "FILE",
            description = "Receives raw little-endian 32-bit floats.")
    private @Nullable Path out;

    @Override
    void execute() throws IOException {
        if ((dump == null) != (out == null)) {
            throw new UsageException("--dump TENSOR and --out FILE go together");
        }
        ResolvedModel resolved = open(model.locator());
        Path file = resolved.file();
        long begun = System.nanoTime();
        try (ModelSource source = LanguageModel.open(file)) {
            double parseMillis = (System.nanoTime() - begun) * 1e-6;
            if (dump != null && out != null) {
                dump(source, dump, out);
                return;
            }
            summary(resolved, source, parseMillis);
            if (metadata) {
                out().println();
                metadata(source.metadata());
            }
            if (tensors) {
                out().println();
                tensors(source);
            }
        }
    }

    private void summary(ResolvedModel resolved, ModelSource source, double parseMillis) throws IOException {
        Path file = resolved.file();
        ModelFacts facts = new ModelFacts(source);
        Metadata values = source.metadata();
        row(
                "file",
                String.format(
                        Locale.ROOT, "%s (%s, parsed in %.1f ms)", file, Units.bytes(Files.size(file)), parseMillis));
        String name = values.optionalString("general.name");
        if (name != null) {
            row("name", name);
        }
        try {
            Architectures.requireModel(source);
        } catch (UnsupportedModelException e) {
            row("runs", "no: " + e.getMessage());
            tokenizer(values);
            row("tensors", source.tensors().size() + ", " + Units.bytes(facts.weightBytes()));
            return;
        }
        row("architecture", facts.architecture());
        row("parameters", Units.count(facts.parameters()));
        row("context", facts.contextLength() + " tokens");
        tokenizer(values);
        row("chat template", chatTemplates(ChatTemplates.from(values)));
        row("quantization", facts.quantization());
        row("tensors", source.tensors().size() + ", " + Units.bytes(facts.weightBytes()));
        facts.mix()
                .forEach((type, share) -> row(
                        "  " + type,
                        String.format(
                                Locale.ROOT,
                                "%4d tensors, %9s parameters, %9s (%.1f %%)",
                                share.tensors(),
                                Units.count(share.parameters()),
                                Units.bytes(share.bytes()),
                                100.0 * share.bytes() / Math.max(1, facts.weightBytes()))));
        resolved.adapters().forEach(adapter -> row("adapter", adapter.toString()));
        memory(resolved, source, facts);
    }

    /** Their names and sizes. */
    private static String chatTemplates(ChatTemplates templates) {
        if (templates.names().isEmpty()) {
            return "no";
        }
        return templates.names().stream()
                .map(name -> name + " (" + templates.source(name).length() + " characters)")
                .collect(Collectors.joining(", ", "yes: ", ""));
    }

    private void tokenizer(Metadata values) {
        if (!values.contains("tokenizer.ggml.model")) {
            row("tokenizer", "none");
            return;
        }
        long begun = System.nanoTime();
        try {
            Tokenizer tokenizer = Tokenizers.from(values);
            double millis = (System.nanoTime() - begun) * 1e-6;
            Vocabulary vocabulary = tokenizer.vocabulary();
            row(
                    "tokenizer",
                    String.format(
                            Locale.ROOT,
                            "%s, %d tokens (ready in %.1f ms)",
                            tokenizer.description(),
                            vocabulary.size(),
                            millis));
            special("BOS", vocabulary, vocabulary.bosId(), vocabulary.addBos());
            special("EOS", vocabulary, vocabulary.eosId(), vocabulary.addEos());
        } catch (NibbleException e) {
            row("tokenizer", "cannot be used: " + e.getMessage());
        }
    }

    private void special(String name, Vocabulary vocabulary, OptionalInt id, boolean isAdded) {
        if (id.isPresent()) {
            String added = isAdded ? ", added to every prompt" : "";
            row("  " + name, id.getAsInt() + " " + vocabulary.text(id.getAsInt()) + added);
        }
    }

    /** What is shown does not depend on whether rearranged weights are kept in a file, so none is written. */
    private static LoadOptions writingNothing(LoadOptions options) {
        return options.withoutRepackCache();
    }

    private void memory(ResolvedModel resolved, ModelSource source, ModelFacts facts) throws IOException {
        try (LanguageModel loaded = load(resolved, InspectCommand::writingNothing, LoadOptions.DEFAULT)) {
            Integer asked = modelOptions().context();
            int context = asked == null
                    ? Math.min(USUAL_CONTEXT, facts.contextLength())
                    : asked == 0 ? facts.contextLength() : asked;
            MemoryPlan plan = loaded.memoryPlan(context);
            int predicting =
                    Architectures.read(source, context).predictionBlocks().size();
            if (predicting > 0) {
                row(
                        "predicts",
                        predicting + " further " + (predicting == 1 ? "token" : "tokens")
                                + ", by blocks that guess with --mtp, and take no memory before");
            }
            row("runs on", loaded.backendDescription());
            kernels(loaded.kernels());
            memory(plan);
        } catch (UnsupportedModelException e) {
            otherUse(resolved.file(), e);
        } catch (NibbleException e) {
            row("runs", "no: " + e.getMessage());
        }
    }

    private void memory(MemoryPlan plan) {
        row(
                "memory",
                Units.bytes(plan.total()) + " with a context of " + plan.contextLength() + " tokens"
                        + (plan.available().isPresent()
                                ? "; available: " + Units.bytes(plan.available().getAsLong())
                                : ""));
        row("  weights", Units.bytes(plan.weights()) + " in the file");
        row("  workspace", Units.bytes(plan.workspace()) + " with the copies of weights");
        row("  KV cache", Units.bytes(plan.kvCache()) + " for each session");
        row("  Java", Units.bytes(plan.runtime()) + " for the virtual machine");
    }

    /** A model that does not generate text may be one that embeds it, or rates pairs of texts. */
    private void otherUse(Path file, UnsupportedModelException refusal) throws IOException {
        LoadOptions options =
                writingNothing(modelOptions().apply(LoadOptions.DEFAULT).withoutContextLength());
        try (EmbeddingModel loaded = EmbeddingModel.load(file, options)) {
            row("runs on", loaded.backendDescription());
            row(
                    "embeds",
                    "texts of up to " + loaded.contextLength() + " tokens in " + loaded.dimensions()
                            + " dimensions: nibble embed -m " + file);
        } catch (NibbleException noEmbeddings) {
            try (RerankModel loaded = RerankModel.load(file, options)) {
                row("runs on", loaded.backendDescription());
                row("rates", "pairs of texts of up to " + loaded.contextLength() + " tokens: nibble rerank -m " + file);
            } catch (NibbleException noScores) {
                row("runs", "no: " + refusal.getMessage());
            }
        }
    }

    private void kernels(Map<DType, String> kernels) {
        Map<DType, String> sorted = new TreeMap<>(kernels);
        sorted.forEach((type, kernel) -> row("  " + type, kernel));
        String slow = sorted.keySet().stream()
                .filter(type -> kernels.getOrDefault(type, "").contains("scalar"))
                .map(DType::name)
                .collect(Collectors.joining(", "));
        if (!slow.isEmpty()) {
            row("slow", slow + ": dequantized by scalar code, as no vector kernel is there");
        }
    }

    private void metadata(Metadata values) {
        for (String key : values.keys()) {
            out().println(key + " = " + describe(values.get(key)));
        }
    }

    private static String describe(@Nullable Object value) {
        return switch (value) {
            case null -> "";
            case String text -> {
                String line = text.replace("\n", "\\n");
                yield line.length() <= MAX_SHOWN
                        ? line
                        : line.substring(0, MAX_SHOWN) + "... (" + text.length() + " characters)";
            }
            case StringArray strings -> "[" + strings.size() + " strings]";
            case long[] longs -> "[" + longs.length + " integers]";
            case float[] floats -> "[" + floats.length + " floats]";
            case double[] doubles -> "[" + doubles.length + " doubles]";
            case boolean[] booleans -> "[" + booleans.length + " booleans]";
            default -> value.toString();
        };
    }

    private void tensors(ModelSource source) {
        int width = source.tensors().stream()
                .mapToInt(tensor -> tensor.name().length())
                .max()
                .orElse(4);
        String format = "%-" + width + "s  %-8s  %-24s  %14s";
        out().println(String.format(Locale.ROOT, format, "name", "type", "shape", "bytes"));
        for (Tensor tensor : source.tensors()) {
            out().println(String.format(
                    Locale.ROOT,
                    format,
                    tensor.name(),
                    tensor.dtype(),
                    tensor.shape(),
                    tensor.data().byteSize()));
        }
    }

    private void dump(ModelSource source, String name, Path target) throws IOException {
        Tensor tensor = source.tensor(name)
                .orElseThrow(
                        () -> new IOException(source.name() + " has no tensor '" + name + "' (--tensors lists them)"));
        int columns = Math.toIntExact(tensor.columns());
        int rowsAtOnce = Math.clamp((1 << 22) / Math.max(1, columns), 1, 4096);
        float[] values = new float[Math.multiplyExact(rowsAtOnce, columns)];
        ByteBuffer bytes = ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        long size = Math.multiplyExact(tensor.shape().elements(), (long) Float.BYTES);
        try (OutputFile file = OutputFile.create(target, size)) {
            for (long row = 0; row < tensor.rows(); row += rowsAtOnce) {
                int count = (int) Math.min(rowsAtOnce, tensor.rows() - row);
                tensor.dequantizeRows(row, count, values, 0);
                bytes.clear();
                bytes.asFloatBuffer().put(values, 0, count * columns);
                bytes.limit(count * columns * Float.BYTES);
                file.channel().write(bytes);
            }
            file.commit();
        }
        out().println(name + " " + tensor.shape() + " " + tensor.dtype() + " -> " + target + " (f32)");
    }

    private void row(String name, String value) {
        out().println(String.format(Locale.ROOT, "%-14s %s", name, value));
    }
}
