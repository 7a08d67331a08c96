package dev.nibble.tornado;

import java.util.List;
import java.util.Locale;
import java.util.Set;
import uk.ac.manchester.tornado.api.common.TornadoDevice;

/** A device of TornadoVM. */
final class TornadoGpu implements Device {
    /** Has CUDA record each graph when it runs first and replay it afterwards; off unless it is true. */
    static final String CUDA_GRAPHS_PROPERTY = "nibble.tornado.cudaGraphs";

    private static final Set<String> CUDA_DRIVERS = Set.of("cuda", "ptx");

    /** What is left to the driver and to others. */
    private static final double USABLE = 0.9;

    /** Offsets within an array are ints on every device. */
    private static final long MAX_ARRAY_BYTES = Integer.MAX_VALUE - 4096L;

    private final TornadoDevice device;
    private final String driver;

    TornadoGpu(TornadoDevice device, String driver) {
        this.device = device;
        this.driver = driver.toLowerCase(Locale.ROOT);
    }

    @Override
    public String description() {
        return device.getPhysicalDevice().getDeviceName().trim() + " (" + driver + ", "
                + device.getPlatformName().trim() + ")";
    }

    @Override
    public long memory() {
        return (long) (device.getPhysicalDevice().getDeviceGlobalMemorySize() * USABLE);
    }

    @Override
    public long maxArrayBytes() {
        // TornadoVM refuses an array of just this size
        return Math.min(MAX_ARRAY_BYTES, device.getPhysicalDevice().getDeviceMaxAllocationSize() - 4096);
    }

    @Override
    public Program prepare(List<Object> constants, List<Object> buffers, List<Graph> graphs, List<Object> passedOn) {
        boolean cudaGraphs = Boolean.getBoolean(CUDA_GRAPHS_PROPERTY);
        if (cudaGraphs && !CUDA_DRIVERS.contains(driver)) {
            throw new IllegalStateException(
                    CUDA_GRAPHS_PROPERTY + " needs the driver cuda or ptx, but the device is " + description());
        }
        return new TornadoDeviceProgram(device, description(), cudaGraphs, constants, buffers, graphs, passedOn);
    }
}
