package dev.nibble.cpu;

import dev.nibble.LoadOptions;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;

/** Offers the CPU backend, which runs everywhere. */
public final class CpuBackendProvider implements BackendProvider {

    @Override
    public String name() {
        return "cpu";
    }

    @Override
    public int priority() {
        return 0;
    }

    @Override
    public Availability probe() {
        return new Availability.Available(KernelFamilies.select().description());
    }

    @Override
    public Backend open(LoadOptions options) {
        return new CpuBackend(options);
    }
}
