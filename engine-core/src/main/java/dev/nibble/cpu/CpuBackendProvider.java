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

    /** A setting that is wrong does not make the backend unavailable: whoever opens it is told, and others are not concerned. */
    @Override
    public Availability probe() {
        try {
            return new Availability.Available(KernelFamilies.select().description());
        } catch (IllegalArgumentException e) {
            return new Availability.Available(String.valueOf(e.getMessage()));
        } catch (IllegalStateException e) {
            return new Availability.Unavailable(String.valueOf(e.getMessage()));
        }
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if a system property that forces kernels has a value that there is not
     */
    @Override
    public Backend open(LoadOptions options) {
        return new CpuBackend(options);
    }
}
