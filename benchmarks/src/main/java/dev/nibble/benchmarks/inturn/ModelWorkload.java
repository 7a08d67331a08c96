package dev.nibble.benchmarks.inturn;

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
import java.nio.file.Path;
import java.util.SplittableRandom;

/** A model on the CPU, as far as it is timed: the forward pass over random tokens, the same ones for every version. */
final class ModelWorkload implements Workload {
    private final GgufFile file;
    private final Backend backend;
    private final ForwardPass pass;
    private final Sequence sequence;
    private final float[] logits;
    private final int[] tokens;
    private final Batch batch;

    /**
     * Loads a model.
     *
     * @param prompt tokens evaluated as a batch; 0 to generate
     * @param generated tokens evaluated one at a time, where there is no prompt
     */
    ModelWorkload(Path model, int threads, int prompt, int generated) throws IOException {
        file = GgufFile.open(model);
        backend = new CpuBackendProvider().open(LoadOptions.DEFAULT.withThreads(threads));
        int count = prompt > 0 ? prompt : generated;
        pass = backend.compile(Architectures.read(file, count));
        sequence = pass.newSequence(count, KvCacheType.F16);
        logits = new float[pass.outputSize()];
        tokens = new SplittableRandom(1).ints(count, 0, pass.outputSize()).toArray();
        batch = new Batch(prompt > 0 ? prompt : 1);
    }

    @Override
    public void run() {
        sequence.truncate(0);
        boolean alone = batch.capacity() == 1;
        for (int i = 0; i < tokens.length; ) {
            batch.clear();
            do {
                batch.add(sequence, tokens[i], alone || i == tokens.length - 1);
                i++;
            } while (!alone && i < tokens.length);
            pass.evaluate(batch, logits, () -> false);
        }
    }

    @Override
    public void close() {
        sequence.close();
        pass.close();
        backend.close();
        file.close();
    }
}
