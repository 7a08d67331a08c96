package dev.nibble.cli;

import dev.nibble.cli.models.Reporter;
import dev.nibble.gguf.GgufQuantizer;
import dev.nibble.gguf.QuantizationType;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "quantize",
        description = "Writes a model file anew with smaller tensors.",
        footer = {
            "",
            "Types: F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K_S, Q4_K_M, Q5_K_S, Q5_K_M, Q6_K. Q4_K_M is the usual "
                    + "choice: a third of F16's size at a small loss. The _S and _M types mix: tensors where it is worth it get more "
                    + "bits, and rows that do not fit a type's blocks get the nearest type that fits.",
            "",
            "Examples:",
            "  nibble quantize model-F16.gguf model-Q4_K_M.gguf Q4_K_M",
            "  nibble quantize model-Q8_0.gguf model-F32.gguf F32      undo a quantization, for comparisons"
        })
final class QuantizeCommand extends CliCommand {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Parameters(
            paramLabel = "IN OUT TYPE",
            arity = "0..*",
            hideParamSyntax = true,
            description = "The model, unless -m names it, the file to write, and what to quantize to.")
    private List<String> arguments = List.of();

    @Option(
            names = {"-t", "--threads"},
            paramLabel = "N",
            description = "Threads (default: one for each processor).")
    private @Nullable Integer threads;

    @Option(
            names = "--allow-requantize",
            description = "Also quantize what is quantized already, although the errors add up.")
    private boolean allowRequantize;

    @Option(
            names = {"-y", "--force"},
            description = "Overwrite OUT if it is there; otherwise that is asked on a terminal, and refused elsewhere.")
    private boolean force;

    @Override
    void execute() throws IOException {
        ModelOption.Arguments named = model.withModel(arguments);
        if (named.texts().size() != 2) {
            throw new UsageException("give IN, OUT and TYPE, as: quantize model-F16.gguf model-Q4_K_M.gguf Q4_K_M");
        }
        Path out = Path.of(named.texts().get(0));
        String type = named.texts().get(1);
        QuantizationType target = QuantizationType.ofName(type)
                .orElseThrow(() -> new UsageException("unknown type '" + type + "'; there are "
                        + Arrays.stream(QuantizationType.values())
                                .map(Enum::name)
                                .collect(Collectors.joining(", "))));
        if (threads != null && threads < 1) {
            throw new UsageException("--threads must be 1 or more, not " + threads);
        }
        Path source = resolve(String.valueOf(named.model()));
        requireLeave(out);
        GgufQuantizer quantizer = new GgufQuantizer(target).allowRequantize(allowRequantize);
        if (threads != null) {
            quantizer.threads(threads);
        }
        ConsoleReporter reporter = new ConsoleReporter(err(), streams().errTerminal());
        GgufQuantizer.Result result;
        // The bar counts what is converted in bytes of f32, which is what passes through.
        try (Bar bar = new Bar(reporter, "Quantizing to " + target)) {
            result = quantizer.onProgress(bar::show).quantize(source, out);
        }
        out().println(String.format(
                Locale.ROOT,
                "%s: %d tensors, %s -> %s, %.2f bits per weight",
                out,
                result.tensors(),
                Units.bytes(result.inputBytes()),
                Units.bytes(result.outputBytes()),
                result.bitsPerWeight()));
    }

    /** Asks before a file is lost, or fails where nobody can be asked. */
    private void requireLeave(Path out) throws IOException {
        if (force || !Files.isRegularFile(out)) {
            return;
        }
        if (streams().interactive()) {
            err().print(out + " exists already. Overwrite it? [y/N] ");
            err().flush();
            String answer =
                    new BufferedReader(new InputStreamReader(streams().in(), StandardCharsets.UTF_8)).readLine();
            if (answer != null && answer.strip().toLowerCase(Locale.ROOT).startsWith("y")) {
                return;
            }
        }
        throw new IOException(out + " exists already; --force overwrites it");
    }

    /** A progress bar that begins when the size of the work is known. */
    private static final class Bar implements AutoCloseable {
        private final ConsoleReporter reporter;
        private final String what;
        private Reporter.@Nullable Progress progress;

        Bar(ConsoleReporter reporter, String what) {
            this.reporter = reporter;
            this.what = what;
        }

        void show(GgufQuantizer.Progress state) {
            Reporter.Progress shown = progress;
            if (shown == null) {
                shown = reporter.start(what, state.elements() * Float.BYTES);
                progress = shown;
            }
            shown.at(state.elementsDone() * Float.BYTES);
        }

        @Override
        public void close() {
            if (progress != null) {
                progress.close();
            }
        }
    }
}
