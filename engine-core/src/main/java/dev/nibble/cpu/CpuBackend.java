package dev.nibble.cpu;

import dev.nibble.Engine;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;
import dev.nibble.cpu.kernel.KernelFamily;
import dev.nibble.cpu.kernel.KernelReport;
import dev.nibble.cpu.kernel.LinearFactory;
import dev.nibble.cpu.kernel.LinearSizes;
import dev.nibble.cpu.pool.WorkerPool;
import dev.nibble.cpu.pool.Workers;
import dev.nibble.memory.ByteCount;
import dev.nibble.memory.SystemMemory;
import dev.nibble.memory.SystemMemory.Room;
import dev.nibble.model.MappedMemory;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The CPU backend: a kernel family, and some of the workers of its engine, for the models compiled with it. */
final class CpuBackend implements Backend {
    private static final System.Logger LOG = System.getLogger("dev.nibble.cpu");

    private final LoadOptions options;
    private final KernelFamily family;
    private final Engine.Share<Workers> workers;
    private final WorkerPool pool;
    private final SystemMemory memory;

    /** Whether a model was compiled without the copies of weights that were wanted. */
    private volatile boolean lacksCopies;

    /** Of the kernels of the model that was compiled last, before that of all that may run. */
    private volatile String kernels;

    CpuBackend(LoadOptions options) {
        this(options, new SystemMemory());
    }

    CpuBackend(LoadOptions options, SystemMemory memory) {
        this.options = options;
        this.memory = memory;
        family = KernelFamilies.select();
        kernels = family.description();
        Engine engine = options.engine().orElseGet(Engine::shared);
        int all = engine.options().threads().orElseGet(WorkerPool::defaultThreads);
        int threads = options.threads().orElse(all);
        if (threads > all && options.engine().isPresent()) {
            throw new IllegalArgumentException("threads must be at most the " + all + " of the engine, not " + threads
                    + "; set them with EngineOptions.withThreads");
        }
        workers = engine.share(Workers.class, () -> new Workers(options.engine().isPresent() ? all : threads));
        try {
            pool = new WorkerPool(workers.get(), threads);
        } catch (Throwable t) { // no thread could be started
            workers.close();
            throw t;
        }
    }

    @Override
    public String description() {
        return "cpu, " + kernels + ", " + pool.threads() + (pool.threads() == 1 ? " thread" : " threads")
                + (lacksCopies ? ", without copies of weights, for which memory was short" : "");
    }

    @Override
    public ForwardPass compile(Model model) {
        return compile(model, null);
    }

    @Override
    public ForwardPass compile(Model model, @Nullable ModelSource source) {
        WorkerPool.requireStack();
        try {
            return compileMapped(model, source);
        } catch (InternalError e) {
            throw MappedMemory.translate(source == null ? "the model file" : source.name(), e);
        }
    }

    /** Reads weights where they are mapped, which may fault. */
    private ForwardPass compileMapped(Model model, @Nullable ModelSource source) {
        String name = source == null ? "the model" : source.name();
        LoadPlan plan = LoadPlan.of(model, family, options, pool, memory);
        KernelReport report = new KernelReport(family);
        LinearFactory linears = new LinearFactory(report, options, pool, source, model.adapters(), memory);
        try {
            Optional<Room> shortage = linears.reserve(plan.copies(), plan.copies() > 0 ? plan.besides() : plan.least());
            if (shortage.isPresent()) {
                requireLeast(name, plan, shortage.get());
                linears.close();
                report = new KernelReport(family);
                linears = new LinearFactory(report, options.withRepack(false), pool, source, model.adapters(), memory);
                lacksCopies = true;
            }
            CpuForwardPass pass = new CpuForwardPass(model, pool, report, linears);
            linears.finish();
            kernels = report.description();
            return pass;
        } catch (Throwable t) {
            linears.close();
            throw t;
        }
    }

    /** Refuses what would not run without copies either; else says that there are none. */
    private static void requireLeast(String name, LoadPlan plan, Room room) {
        if (plan.least() > room.bytes()) {
            throw new OutOfMemoryException(
                    name + ": " + (plan.copies() > 0 ? "even without copies of weights it" : "this model") + " needs "
                            + plan.describeLeast() + " beside the mapped file, but " + room,
                    List.of(Remedy.MORE_MEMORY),
                    0);
        }
        long spare = room.bytes() - plan.least();
        LOG.log(
                Level.WARNING,
                "{0}: loaded without copies of weights, slower: with them it would need {1}, but {2}{3}",
                name,
                plan.describe(),
                room,
                spare < plan.weights()
                        ? ". The weights themselves, " + ByteCount.text(plan.weights()) + ", may not stay in memory"
                                + " either: then they are read from the file again and again"
                        : "");
    }

    @Override
    public ForwardPass sketch(Model model) {
        KernelReport report = new KernelReport(family);
        return new CpuForwardPass(
                model, pool, report, new LinearSizes(report, options, pool, model.adapters(), memory));
    }

    @Override
    public void close() {
        try (workers) {
            pool.close();
        }
    }
}
