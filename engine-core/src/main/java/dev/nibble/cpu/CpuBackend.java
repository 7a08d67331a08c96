package dev.nibble.cpu;

import dev.nibble.LoadOptions;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import org.jspecify.annotations.Nullable;

/** The CPU backend: a kernel family and a worker pool, shared by the models compiled with it. */
final class CpuBackend implements Backend {
    private final LoadOptions options;
    private final KernelFamily family;
    private final WorkerPool pool;

    CpuBackend(LoadOptions options) {
        this.options = options;
        family = KernelFamilies.select();
        pool = new WorkerPool(options.threads() == 0 ? WorkerPool.defaultThreads() : options.threads());
    }

    @Override
    public String description() {
        return "cpu, " + family.description() + ", " + pool.threads() + (pool.threads() == 1 ? " thread" : " threads");
    }

    @Override
    public ForwardPass compile(Model model) {
        return compile(model, null);
    }

    @Override
    public ForwardPass compile(Model model, @Nullable ModelSource source) {
        WorkerPool.requireStack();
        KernelReport report = new KernelReport(family);
        LinearFactory linears = new LinearFactory(report, options, pool, source);
        try {
            CpuForwardPass pass = new CpuForwardPass(model, pool, report, linears);
            linears.finish();
            return pass;
        } catch (Throwable t) {
            linears.close();
            throw t;
        }
    }

    @Override
    public void close() {
        pool.close();
    }
}
