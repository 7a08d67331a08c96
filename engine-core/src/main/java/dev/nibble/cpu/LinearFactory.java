package dev.nibble.cpu;

import dev.nibble.LoadOptions;
import dev.nibble.memory.NativeMemory;
import dev.nibble.memory.Pages;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Projection;
import dev.nibble.tensor.Tensor;
import java.nio.file.Path;
import java.util.IdentityHashMap;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** Makes the compiled form of projections, and counts what is kept beside the mapped weights. */
final class LinearFactory implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    private final KernelFamily family;
    private final LoadOptions options;
    private final WorkerPool pool;
    private final NativeMemory memory = new NativeMemory();
    private final @Nullable RepackCache cache;
    private final IdentityHashMap<Tensor, MatmulKernel> kernels = new IdentityHashMap<>();
    private long repackedBytes;
    private long convertedBytes;
    private long releasedBytes;

    /**
     * @param source what the weights are from; null if that is not known, and then no copies are kept for later loads
     */
    LinearFactory(KernelFamily family, LoadOptions options, WorkerPool pool, @Nullable ModelSource source) {
        this.family = family;
        this.options = options;
        this.pool = pool;
        cache = cache(source);
    }

    private @Nullable RepackCache cache(@Nullable ModelSource source) {
        Path directory = options.repackCache();
        if (directory == null || source == null || source.stamp().isEmpty()) {
            return null;
        }
        if (family.copyLayout().isEmpty()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0}: no rearranged weights are kept here, as the {1} kernels cannot use them; that needs the flags"
                            + " --add-modules jdk.incubator.vector and --enable-native-access",
                    directory,
                    family.name());
            return null;
        }
        return new RepackCache(directory, source, family.copyLayout(), memory);
    }

    /**
     * The compiled form of a projection.
     *
     * @throws CancellationException if the thread is interrupted: with copies of large weights, compiling takes long
     */
    Linear create(Projection projection) {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("the thread was interrupted");
        }
        // A tensor used twice, as a tied embedding may be, is prepared once.
        MatmulKernel kernel = kernels.computeIfAbsent(projection.weight(), weight -> {
            MatmulKernel created = family.kernel(weight, options, cache == null ? memory::allocate : cache, pool);
            repackedBytes += created.repackedBytes();
            if (created.repackedBytes() > 0 && weight.data().isMapped() && Pages.release(weight.data())) {
                releasedBytes += weight.data().byteSize();
            }
            convertedBytes += weight.data().isMapped() ? 0 : weight.data().byteSize();
            return created;
        });
        return new Linear(kernel, projection.bias(), projection.scale());
    }

    /** To be called when all kernels are made: keeps the copies for later loads, and has their pages joined. */
    void finish() {
        if (cache != null) {
            cache.save();
        }
        memory.joinPages();
    }

    /** Frees the rearranged copies of weights; the kernels must no longer run. */
    @Override
    public void close() {
        memory.close();
        if (cache != null) {
            cache.close();
        }
    }

    /** Bytes beside the mapped file: rearranged copies, and weights that an architecture had to make anew. */
    long copiedBytes() {
        return repackedBytes - mappedBytes() + convertedBytes;
    }

    /** Bytes of the mapped file that were given back, as only copies of them are read. */
    long releasedBytes() {
        return releasedBytes;
    }

    /**
     * To be called before the kernels run.
     *
     * @throws dev.nibble.ModelFormatException if a file they read was cut short
     */
    void check() {
        if (cache != null) {
            cache.check();
        }
    }

    /** Bytes of the rearranged copies that are mapped from a file. */
    long mappedBytes() {
        return cache == null ? 0 : cache.mappedBytes();
    }
}
