package dev.nibble.tornado;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.LoadOptions;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.BackendProvider.Availability;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.ServiceLoader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is said where TornadoVM is missing, broken, or without a device. */
class ProbeTest {
    private static final String NOT_INSTALLED =
            "TornadoVM is not installed: unpack its SDK for JDK 25 and set TORNADOVM_HOME to its folder";

    @TempDir
    Path folder;

    private static TornadoProbe failing(Throwable failure, String home) {
        return TornadoProbe.run(
                () -> {
                    throw failure;
                },
                home,
                null);
    }

    private Path sdk() throws IOException {
        Files.createDirectories(folder.resolve("share/java/tornado"));
        return folder;
    }

    @Test
    void withoutAnSdkItSaysToInstallOne() {
        NoClassDefFoundError missing = new NoClassDefFoundError("uk/ac/manchester/tornado/api/TornadoRuntime");
        assertThat(failing(missing, "").reason()).isEqualTo(NOT_INSTALLED);
        // the API alone, and declarations in its place
        RuntimeException apiOnly = new IllegalStateException("... Did you remember to add @tornado-argfile?");
        assertThat(failing(new ExceptionInInitializerError(apiOnly), "").reason())
                .isEqualTo(NOT_INSTALLED);
    }

    @Test
    void anSdkThatIsNoneIsNamed() {
        NoClassDefFoundError missing = new NoClassDefFoundError("uk/ac/manchester/tornado/api/TornadoRuntime");
        assertThat(failing(missing, folder.toString()).reason())
                .isEqualTo("TORNADOVM_HOME is " + folder
                        + ", which is no TornadoVM SDK: it has no folder share/java/tornado");
    }

    @Test
    void aJvmWithoutTheArgfileIsToldToTakeIt() throws IOException {
        ClassNotFoundException missing =
                new ClassNotFoundException("uk.ac.manchester.tornado.runtime.TornadoCoreRuntime");
        assertThat(failing(new ExceptionInInitializerError(missing), sdk().toString())
                        .reason())
                .isEqualTo("this JVM was started without TornadoVM: start it with java @" + folder
                        + "/tornado-argfile; ./nibble does that by itself when TORNADOVM_HOME is set");
    }

    @Test
    void aStartThatFailsIsToldWithItsCause() throws IOException {
        IllegalStateException noPlatform = new IllegalStateException("No OpenCL platform found\nsecond line");
        assertThat(failing(new ExceptionInInitializerError(noPlatform), sdk().toString())
                        .reason())
                .isEqualTo("TornadoVM did not start (IllegalStateException: No OpenCL platform found); are the SDK's"
                        + " drivers those of a device of this machine?");
        UnsatisfiedLinkError noLibrary = new UnsatisfiedLinkError("no tornado-opencl in java.library.path");
        assertThat(failing(noLibrary, sdk().toString()).reason())
                .startsWith("TornadoVM did not start (UnsatisfiedLinkError: no tornado-opencl");
        NoClassDefFoundError poisoned = new NoClassDefFoundError("Could not initialize class X");
        assertThat(failing(poisoned, sdk().toString()).reason()).startsWith("TornadoVM did not start (NoClassDef");
    }

    @Test
    void noDeviceIsSaid() {
        TornadoProbe probe = TornadoProbe.run(List::of, "home", null);
        assertThat(probe.device()).isNull();
        assertThat(probe.reason()).startsWith("TornadoVM found no device; is the device's driver installed");
    }

    @Test
    void aGpuIsPreferredAndAnyDeviceCanBeChosen() {
        TornadoProbe.Found cpu = new TornadoProbe.Found("0:0", new EmulatedDevice(1L << 32, 1, 1), false);
        TornadoProbe.Found gpu = new TornadoProbe.Found("0:1", new EmulatedDevice(1L << 33, 1, 1), true);
        List<TornadoProbe.Found> both = List.of(cpu, gpu);
        assertThat(TornadoProbe.run(() -> both, null, null).device()).isSameAs(gpu);
        assertThat(TornadoProbe.run(() -> both, null, "0:0").device()).isSameAs(cpu);
        assertThat(TornadoProbe.run(() -> List.of(cpu), null, null).device()).isSameAs(cpu);
        assertThat(new TornadoBackendProvider(TornadoProbe.run(() -> both, null, null)).priority())
                .isPositive();
        assertThat(new TornadoBackendProvider(TornadoProbe.run(() -> List.of(cpu), null, null)).priority())
                .as("slower than the CPU backend, so auto does not take it")
                .isNegative();
        assertThat(new TornadoBackendProvider(TornadoProbe.run(() -> both, null, null)).devices())
                .containsExactly(
                        "0:0 emulated device, 4.0 GiB, the CPU itself: only used when asked for",
                        "0:1 emulated device, 8.0 GiB");
    }

    @Test
    void aProviderWithoutADeviceIsUnavailableAndRefusesToOpen() {
        TornadoBackendProvider provider = new TornadoBackendProvider(TornadoProbe.run(List::of, null, null));
        assertThat(provider.probe()).isInstanceOf(Availability.Unavailable.class);
        assertThatThrownBy(() -> provider.open(LoadOptions.DEFAULT))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageStartingWith("the backend tornado cannot run here: TornadoVM found no device");
    }

    /** Not for another backend either, which is what passing this one over would mean. */
    @Test
    void aDeviceThatThereIsNotIsRefusedByName() {
        TornadoProbe.Found gpu = new TornadoProbe.Found("0:1", new EmulatedDevice(1L << 33, 1, 1), true);
        String message = "the system property nibble.tornado.device=1:0: no such device; TornadoVM has 0:1";
        TornadoBackendProvider provider = new TornadoBackendProvider(TornadoProbe.run(() -> List.of(gpu), null, "1:0"));
        assertThat(provider.probe()).isEqualTo(new Availability.Available(message));
        assertThatThrownBy(() -> provider.open(LoadOptions.DEFAULT))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage(message);
    }

    /** As a user has it: our classes, and nothing of TornadoVM, not even declarations. */
    @Test
    void isFoundAndUnavailableWhereNothingOfTornadoIsThere() throws Exception {
        List<URL> urls = new java.util.ArrayList<>();
        for (String entry : System.getProperty("java.class.path").split(java.io.File.pathSeparator, -1)) {
            if (!entry.contains("tornado-api")) {
                urls.add(Path.of(entry).toUri().toURL());
            }
        }
        ClassLoader platform = ClassLoader.getPlatformClassLoader();
        try (URLClassLoader alone = new URLClassLoader(urls.toArray(URL[]::new), platform)) {
            Class<?> service = alone.loadClass(BackendProvider.class.getName());
            Object tornado = null;
            for (Object provider : ServiceLoader.load(service, alone)) {
                if (service.getMethod("name").invoke(provider).equals("tornado")) {
                    tornado = provider;
                }
            }
            assertThat(tornado).isNotNull();
            Object availability = service.getMethod("probe").invoke(tornado);
            assertThat(availability.toString())
                    .startsWith("Unavailable[reason=")
                    .containsAnyOf(NOT_INSTALLED, "this JVM was started without TornadoVM");
        }
    }

    @Test
    void thisProcessHasAProvider() {
        assertThat(ServiceLoader.load(BackendProvider.class))
                .extracting(BackendProvider::name)
                .contains("cpu", "tornado");
    }
}
