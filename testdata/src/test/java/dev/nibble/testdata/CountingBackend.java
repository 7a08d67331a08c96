package dev.nibble.testdata;

import dev.nibble.LoadOptions;
import dev.nibble.model.Model;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.ForwardPass;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.atomic.AtomicInteger;

/** The CPU backend, counting what is open; installed only in the class loader of {@link #installed}. */
public final class CountingBackend implements BackendProvider {
    static final String NAME = "counting";

    /** How often one was made, is open, and has a compiled model open. */
    static final AtomicInteger providers = new AtomicInteger();

    static final AtomicInteger backends = new AtomicInteger();
    static final AtomicInteger passes = new AtomicInteger();

    /** Runs before each compilation. */
    static volatile Runnable beforeCompiling = () -> {};

    /** For {@link java.util.ServiceLoader}. */
    public CountingBackend() {
        providers.incrementAndGet();
    }

    /** A class loader that finds this backend, and others that cannot be made. */
    static URLClassLoader installed(Path folder) throws IOException {
        Path services = Files.createDirectories(folder.resolve("META-INF/services"));
        Files.writeString(
                services.resolve(BackendProvider.class.getName()),
                "no.such.Backend\njava.lang.String\n" + CountingBackend.class.getName() + "\n"
                        + CountingBackend.class.getName() + "\n");
        return new URLClassLoader(
                new URL[] {folder.toUri().toURL()}, Thread.currentThread().getContextClassLoader());
    }

    @Override
    public String name() {
        return NAME;
    }

    @Override
    public int priority() {
        return -1;
    }

    @Override
    public Availability probe() {
        return new Availability.Available(NAME);
    }

    @Override
    public Backend open(LoadOptions options) {
        Backend cpu = Evaluation.openBackend(options);
        backends.incrementAndGet();
        return new Backend() {
            @Override
            public String description() {
                return NAME;
            }

            @Override
            public ForwardPass compile(Model model) {
                throw new AssertionError("the source was left out");
            }

            @Override
            public ForwardPass compile(Model model, ModelSource source) {
                beforeCompiling.run();
                ForwardPass pass = cpu.compile(model, source);
                passes.incrementAndGet();
                return counting(pass);
            }

            @Override
            public void close() {
                backends.decrementAndGet();
                cpu.close();
            }
        };
    }

    private static ForwardPass counting(ForwardPass pass) {
        return (ForwardPass) Proxy.newProxyInstance(
                CountingBackend.class.getClassLoader(), new Class<?>[] {ForwardPass.class}, (proxy, method, args) -> {
                    if (method.getName().equals("close")) {
                        passes.decrementAndGet();
                    }
                    try {
                        return method.invoke(pass, args);
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }
}
