package dev.nibble.tornado;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Looks for TornadoVM and its devices, once: its classes stay broken for good after a start that failed. Whatever is
 * missing becomes one line that says so and what to do; nothing is thrown.
 */
final class TornadoProbe {
    /** Chooses the device: the index of the driver and of the device, as {@code 0:1}. */
    static final String DEVICE_PROPERTY = "nibble.tornado.device";

    private static final String HOW = "; ./nibble does that by itself when TORNADOVM_HOME is set";

    private static @Nullable TornadoProbe here; // guarded by the class

    private final List<Found> found;
    private final @Nullable Found device;
    private final String reason;

    private TornadoProbe(List<Found> found, @Nullable Found device, String reason) {
        this.found = List.copyOf(found);
        this.device = device;
        this.reason = reason;
    }

    /**
     * A device.
     *
     * @param id driver and device index, as {@code 0:1}
     * @param isGpu whether it is a device of its own and not the CPU
     */
    record Found(String id, Device device, boolean isGpu) {
        String line() {
            return String.format(
                    Locale.ROOT,
                    "%s %s, %.1f GiB%s",
                    id,
                    device.description(),
                    device.memory() / 0x1p30,
                    isGpu ? "" : ", the CPU itself: only used when asked for");
        }
    }

    /** What lists the devices; fails in many ways where TornadoVM is missing or broken. */
    @FunctionalInterface
    interface Finder {
        List<Found> find() throws Throwable;
    }

    /** The devices of this process. */
    static synchronized TornadoProbe ofThisProcess() {
        TornadoProbe probe = here;
        if (probe == null) {
            // Before any of its classes loads: a kernel that cannot run must fail and not run on the CPU unnoticed;
            // memory
            // is limited by what the device has; without relaxed mathematics infinities stay infinities.
            System.setProperty("tornado.recover.bailout", "False");
            setDefault("tornado.device.memory", "1024GB");
            setDefault("tornado.opencl.compiler.flags", "-cl-mad-enable -w");
            probe = run(
                    () -> TornadoDevices.find(), System.getenv("TORNADOVM_HOME"), System.getProperty(DEVICE_PROPERTY));
            here = probe;
        }
        return probe;
    }

    private static void setDefault(String property, String value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, value);
        }
    }

    /**
     * Looks for devices.
     *
     * @param home the folder of the SDK, or null if the user names none
     * @param wanted the id of the device to use, or null for the best
     */
    @SuppressWarnings("CatchingUnchecked") // errors of static initializers, links and native libraries are the point
    static TornadoProbe run(Finder finder, @Nullable String home, @Nullable String wanted) {
        List<Found> found;
        try {
            found = finder.find();
        } catch (Throwable e) {
            if (e instanceof VirtualMachineError fatal) {
                throw fatal;
            }
            return new TornadoProbe(List.of(), null, whyNot(e, home));
        }
        if (found.isEmpty()) {
            return new TornadoProbe(
                    found,
                    null,
                    "TornadoVM found no device; is the device's driver installed (for OpenCL, see clinfo)?");
        }
        for (Found candidate : found) {
            if (wanted == null ? candidate.isGpu() : candidate.id().equals(wanted)) {
                return new TornadoProbe(found, candidate, "");
            }
        }
        if (wanted != null) {
            String ids = String.join(", ", found.stream().map(Found::id).toList());
            return new TornadoProbe(
                    found,
                    null,
                    "the system property " + DEVICE_PROPERTY + "=" + wanted + ": no such device; TornadoVM has " + ids);
        }
        return new TornadoProbe(found, found.getFirst(), "");
    }

    private static String whyNot(Throwable e, @Nullable String home) {
        Throwable root = e;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        String message = String.valueOf(root.getMessage()).lines().findFirst().orElse("");
        // declarations instead of the API, an API without what implements it, or no API at all
        boolean notStarted = message.contains("argfile")
                || root instanceof ClassNotFoundException
                || root instanceof NoClassDefFoundError && !message.contains("Could not initialize");
        if (!notStarted) {
            return "TornadoVM did not start (" + root.getClass().getSimpleName() + ": " + message
                    + "); are the SDK's drivers those of a device of this machine?";
        }
        if (home == null || home.isBlank()) {
            return "TornadoVM is not installed: unpack its SDK for JDK 25 and set TORNADOVM_HOME to its folder";
        }
        if (!Files.isDirectory(Path.of(home, "share", "java", "tornado"))) {
            return "TORNADOVM_HOME is " + home + ", which is no TornadoVM SDK: it has no folder share/java/tornado";
        }
        return "this JVM was started without TornadoVM: start it with java @" + home + "/tornado-argfile" + HOW;
    }

    /** All devices. */
    List<Found> found() {
        return found;
    }

    /** The device to use, or null. */
    @Nullable Found device() {
        return device;
    }

    /** Whether there are devices, and the one that the property names is not among them. */
    boolean isMisnamed() {
        return device == null && !found.isEmpty();
    }

    /** Why there is no device to use; empty if there is. */
    String reason() {
        return reason;
    }
}
