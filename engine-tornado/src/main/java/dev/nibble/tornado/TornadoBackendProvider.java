package dev.nibble.tornado;

import dev.nibble.LoadOptions;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import java.util.List;

/** Offers the GPU backend, which needs a TornadoVM SDK and a JVM started with its argfile. */
public final class TornadoBackendProvider implements BackendProvider {
    /** Of GPUs; a device that is the CPU itself is slower than the CPU backend and only taken when it is asked for. */
    private static final int GPU_PRIORITY = 100;

    private static final int CPU_DEVICE_PRIORITY = -100;

    private final TornadoProbe probe;

    /** For {@link java.util.ServiceLoader}. */
    public TornadoBackendProvider() {
        this(TornadoProbe.ofThisProcess());
    }

    TornadoBackendProvider(TornadoProbe probe) {
        this.probe = probe;
    }

    @Override
    public String name() {
        return "tornado";
    }

    @Override
    public int priority() {
        TornadoProbe.Found device = probe.device();
        return device == null || device.isGpu() ? GPU_PRIORITY : CPU_DEVICE_PRIORITY;
    }

    @Override
    public Availability probe() {
        TornadoProbe.Found device = probe.device();
        if (device != null) {
            return new Availability.Available(device.device().description());
        }
        // A device that is named wrongly is not passed over for another backend: whoever opens this one is told.
        return probe.isMisnamed()
                ? new Availability.Available(probe.reason())
                : new Availability.Unavailable(probe.reason());
    }

    @Override
    public List<String> devices() {
        return probe.found().stream().map(TornadoProbe.Found::line).toList();
    }

    /**
     * {@inheritDoc}
     *
     * @throws IllegalArgumentException if {@value TornadoProbe#DEVICE_PROPERTY} names no device
     */
    @Override
    public Backend open(LoadOptions options) {
        TornadoProbe.Found device = probe.device();
        if (probe.isMisnamed()) {
            throw new IllegalArgumentException(probe.reason());
        }
        if (device == null) {
            throw new IllegalStateException("the backend tornado cannot run here: " + probe.reason());
        }
        return new TornadoBackend(device.device(), options);
    }
}
