package dev.nibble.benchmarks;

import dev.nibble.KvCacheType;
import dev.nibble.LoadOptions;
import dev.nibble.cpu.CpuBackendProvider;
import dev.nibble.gguf.GgufFile;
import dev.nibble.model.Architectures;
import dev.nibble.spi.Backend;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * What evaluating {@link #TOKENS} tokens allocates at least: that a process can do without allocating, not that each does.
 *
 * <p>Whether a vector is kept in a register is the compiler's choice, and that depends on when it compiled what: in a rare
 * process it keeps one as an object where it does not in others. So what allocates here is counted once more in new
 * processes.
 */
final class EvaluationAllocation {
    static final int TOKENS = 100;

    private static final int NEW_PROCESSES = 2;
    private static final String RESULT = "allocated: ";

    private EvaluationAllocation() {}

    /** The least bytes of this process and of new ones; tokens are evaluated in batches, with logits for all of them. */
    static long least(Path model, int batchSize) throws IOException {
        long least = countHere(model, batchSize);
        for (int i = 0; i < NEW_PROCESSES && least > 0; i++) {
            System.err.println(model.getFileName() + ", batches of " + batchSize + ": process " + (i + 1) + " of "
                    + (1 + NEW_PROCESSES) + " at most allocated, " + least + " bytes at least; counting in a new one");
            least = Math.min(least, countInNewProcess(model, batchSize));
        }
        return least;
    }

    private static long countHere(Path model, int batchSize) throws IOException {
        try (GgufFile file = GgufFile.open(model);
                Backend backend = new CpuBackendProvider().open(LoadOptions.DEFAULT.withThreads(2));
                ForwardPass pass = backend.compile(Architectures.read(file, 256));
                Sequence sequence = pass.newSequence(TOKENS, KvCacheType.F16)) {
            // Logits for all: what is done for the last alone is rarely compiled.
            float[] logits = new float[batchSize * pass.outputSize()];
            Batch batch = new Batch(batchSize);
            BooleanSupplier never = () -> false;
            AllocationCounter counter = new AllocationCounter();
            return counter.count(
                    () -> {
                        sequence.truncate(0);
                        sequence.reserve(TOKENS); // a page for each so many tokens is made, and is not meant here
                        counter.start();
                        for (int i = 0; i < TOKENS; i += batchSize) {
                            batch.clear();
                            for (int j = i; j < i + batchSize; j++) {
                                batch.add(sequence, j, true);
                            }
                            pass.evaluate(batch, logits, never);
                        }
                    },
                    0);
        }
    }

    private static long countInNewProcess(Path model, int batchSize) throws IOException {
        return countInNewProcess(EvaluationAllocation.class, model.toString(), Integer.toString(batchSize));
    }

    /** What the main method of a class counts in a process of its own, with the options of this one, and {@linkplain #tell tells}. */
    static long countInNewProcess(Class<?> main, String... arguments) throws IOException {
        List<String> command = new ArrayList<>();
        command.add(ProcessHandle.current().info().command().orElseThrow());
        command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
        command.addAll(List.of("-cp", System.getProperty("java.class.path"), main.getName()));
        command.addAll(List.of(arguments));
        Process process = new ProcessBuilder(command)
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        return output.lines()
                .filter(line -> line.startsWith(RESULT))
                .mapToLong(line -> Long.parseLong(line.substring(RESULT.length())))
                .findFirst()
                .orElseThrow(() -> new IOException("no result from " + String.join(" ", command) + ": " + output));
    }

    /** Of a new process: what it counted. */
    static void tell(long allocated) {
        System.out.println(RESULT + allocated);
    }

    /** Of a new process: the model's file and the batch size. */
    public static void main(String[] args) throws IOException {
        tell(countHere(Path.of(args[0]), Integer.parseInt(args[1])));
    }
}
