package dev.nibble.cpu.kernel;

import dev.nibble.LoadOptions;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.repack.RepackCache;
import dev.nibble.cpu.repack.RepackMemory;
import dev.nibble.memory.NativeMemory;
import dev.nibble.memory.Pages;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Adapter;
import dev.nibble.model.AdapterReader;
import dev.nibble.model.LowRank;
import dev.nibble.model.ModelSource;
import dev.nibble.model.Projection;
import dev.nibble.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CancellationException;
import org.jspecify.annotations.Nullable;

/** Makes the compiled form of projections, and counts what is kept beside the mapped weights. */
public class LinearFactory implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    private final KernelFamily family;
    private final LoadOptions options;
    private final WorkerPool pool;
    private final NativeMemory memory;
    private final @Nullable RepackCache cache;
    private final IdentityHashMap<Tensor, MatmulKernel> kernels = new IdentityHashMap<>();
    private final List<Adapter> adapters;
    private final List<Set<String>> notApplied = new ArrayList<>();
    private long repackedBytes;
    private long convertedBytes;
    private long releasedBytes;

    /**
     * @param source what the weights are from; null if that is not known, and then no copies are kept for later loads
     * @param adapters of the model
     */
    public LinearFactory(
            KernelFamily family,
            LoadOptions options,
            WorkerPool pool,
            @Nullable ModelSource source,
            List<Adapter> adapters,
            SystemMemory system) {
        this.adapters = adapters;
        for (Adapter adapter : adapters) {
            notApplied.add(new HashSet<>(adapter.weights().keySet()));
        }
        this.family = family;
        this.options = options;
        this.pool = pool;
        memory = new NativeMemory(system);
        cache = cache(source);
    }

    private @Nullable RepackCache cache(@Nullable ModelSource source) {
        Path directory = options.repackCache().orElse(null);
        if (directory == null || source == null || source.stamp().isEmpty()) {
            return null;
        }
        if (family.copyLayout().isEmpty()) {
            LOG.log(
                    System.Logger.Level.WARNING,
                    "{0}: no rearranged weights are kept here, as the {1} kernels have none; others need the flag"
                            + " --add-modules jdk.incubator.vector",
                    directory,
                    family.name());
            return null;
        }
        return new RepackCache(directory, source, family.copyLayout(), memory, pool);
    }

    /**
     * The compiled form of a projection.
     *
     * @throws CancellationException if the thread is interrupted: with copies of large weights, compiling takes long
     */
    public final Linear create(Projection projection) {
        if (Thread.currentThread().isInterrupted()) {
            throw new CancellationException("the thread was interrupted");
        }
        MatmulKernel kernel = kernel(projection.weight(), true);
        return new Linear(kernel, projection.bias(), projection.scale(), lowRank(projection));
    }

    /** What the adapters add to a layer. */
    private LowRankProduct[] lowRank(Projection projection) {
        List<LowRankProduct> products = new ArrayList<>();
        for (int i = 0; i < adapters.size(); i++) {
            LowRank whole = adapters.get(i).weights().get(projection.weight().name());
            LowRank part = whole == null ? null : whole.of(projection.weight());
            if (part != null) {
                if (projection.scale() != 1) {
                    throw AdapterReader.notApplied(
                            adapters.get(i), Set.of(projection.weight().name()));
                }
                notApplied.get(i).remove(projection.weight().name());
                products.add(new LowRankProduct(i, kernel(part.a(), false), kernel(part.b(), false), part.factor()));
            }
        }
        return products.isEmpty() ? LowRankProduct.NONE : products.toArray(LowRankProduct[]::new);
    }

    /**
     * To be called when all layers are made.
     *
     * @throws dev.nibble.UnsupportedModelException if an adapter changes a weight of which no layer was made
     */
    public void checkAdapters() {
        for (int i = 0; i < adapters.size(); i++) {
            if (!notApplied.get(i).isEmpty()) {
                throw AdapterReader.notApplied(adapters.get(i), notApplied.get(i));
            }
        }
    }

    /** The ranks of all adapters together, the greatest of each. */
    public int adapterRank() {
        return adapters.stream()
                .mapToInt(adapter -> adapter.weights().values().stream()
                        .mapToInt(LowRank::rank)
                        .max()
                        .orElse(0))
                .sum();
    }

    /**
     * The kernel of a weight; a tensor used twice, as a tied embedding may be, is prepared once.
     *
     * @param ofModel whether it is of the model's own file; others are not kept for later loads
     */
    MatmulKernel kernel(Tensor tensor, boolean ofModel) {
        return kernels.computeIfAbsent(tensor, weight -> {
            RepackMemory place = cache == null || !ofModel ? memory::allocate : cache;
            MatmulKernel created = family.kernel(weight, options, place, pool);
            memory.written();
            repackedBytes += created.repackedBytes();
            if (created.repackedBytes() > 0 && weight.data().isMapped() && Pages.release(weight.data())) {
                releasedBytes += weight.data().byteSize();
            }
            convertedBytes += weight.data().isMapped() ? 0 : weight.data().byteSize();
            return created;
        });
    }

    /**
     * Takes memory for copies of so many bytes, before the first is made, if it is there and so much besides.
     *
     * @return what there is instead, if it is too little
     */
    public Optional<SystemMemory.Room> reserve(long copies, long besides) {
        return memory.reserve(copies, besides);
    }

    /** To be called when all kernels are made: keeps the copies for later loads, and has their pages joined. */
    public void finish() {
        if (cache != null) {
            cache.save();
        }
        memory.releaseReserved();
        memory.joinPages();
    }

    /** Frees the rearranged copies of weights; the kernels must no longer run. */
    @Override
    public void close() {
        if (cache != null) {
            cache.close();
        }
        memory.close();
    }

    /** Bytes beside the mapped file: rearranged copies, and weights that an architecture had to make anew. */
    public long copiedBytes() {
        return repackedBytes + convertedBytes;
    }

    /** Bytes of the mapped file that were given back, as only copies of them are read. */
    public long releasedBytes() {
        return releasedBytes;
    }
}
