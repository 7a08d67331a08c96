package dev.nibble.tornado;

import dev.nibble.LoadOptions;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.Batch;
import dev.nibble.spi.ForwardPass;
import dev.nibble.spi.Sequence;
import java.util.List;
import java.util.Objects;
import java.util.ServiceLoader;
import java.util.function.BooleanSupplier;

/**
 * The first layers of a model on the CPU: a model of its own without a head, whose result is the residual stream that the
 * layers on the device go on with.
 */
final class CpuLayers implements AutoCloseable {
    private final Backend backend;
    private final ForwardPass pass;
    private final Batch batch;

    CpuLayers(Model model, int layers, LoadOptions options, int rows) {
        ModelConfig whole = model.config();
        ModelConfig config = new ModelConfig(
                whole.architecture(),
                whole.vocabSize(),
                whole.contextLength(),
                whole.maxContextLength(),
                whole.hiddenSize(),
                layers,
                whole.embeddingScale(),
                1,
                0);
        Model first = new Model(
                config,
                model.tokenEmbedding(),
                null,
                model.blocks().subList(0, layers),
                null,
                null,
                Model.Pooling.NONE,
                List.of());
        // not the thread's context class loader, which need not see the library
        backend = ServiceLoader.load(BackendProvider.class, BackendProvider.class.getClassLoader()).stream()
                .map(ServiceLoader.Provider::get)
                .filter(provider -> provider.name().equals("cpu"))
                .findFirst()
                .orElseThrow(() -> new IllegalStateException("the backend cpu is not installed"))
                .open(options);
        pass = backend.compile(first);
        batch = new Batch(rows);
    }

    Sequence newSequence(int capacity, LoadOptions options) {
        return pass.newSequence(capacity, options.kvCacheTypes());
    }

    long sequenceBytes(int capacity, LoadOptions options) {
        return pass.sequenceBytes(capacity, options.kvCacheTypes());
    }

    long workspaceBytes() {
        return pass.workspaceBytes();
    }

    long releasedBytes() {
        return pass.releasedBytes();
    }

    /** Evaluates the rows of {@code source}; {@code residual} receives [rows, hidden]. Advances the CPU's sequences. */
    void evaluate(Batch source, float[] residual, BooleanSupplier cancelled) {
        batch.clear();
        for (int row = 0; row < source.size(); row++) {
            Sequence cpu = ((TornadoSequence) source.sequence(row)).cpu();
            batch.add(Objects.requireNonNull(cpu), source.token(row), true);
        }
        pass.evaluate(batch, residual, cancelled);
    }

    @Override
    public void close() {
        pass.close();
        backend.close();
    }
}
