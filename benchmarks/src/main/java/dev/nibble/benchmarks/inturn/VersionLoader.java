package dev.nibble.benchmarks.inturn;

import java.lang.reflect.Constructor;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Loads one version of the library, and the workload against it: what the version has is taken from there. */
final class VersionLoader extends URLClassLoader {
    private static final List<String> MODULES = List.of("engine-core", "engine-gguf");

    private VersionLoader(URL[] classes) {
        super(classes, VersionLoader.class.getClassLoader());
    }

    /**
     * A version.
     *
     * @param checkout a checkout of Nibble that was built
     * @throws IllegalArgumentException when its classes are not there
     */
    static VersionLoader of(Path checkout) {
        List<URL> classes = new ArrayList<>();
        try {
            for (String module : MODULES) {
                Path folder = checkout.resolve(module).resolve("target/classes");
                if (!Files.isDirectory(folder)) {
                    throw new IllegalArgumentException(
                            "no folder " + folder + ": a version is a checkout in which `mvn package` was run");
                }
                classes.add(folder.toUri().toURL());
            }
            classes.add(
                    ModelWorkload.class.getProtectionDomain().getCodeSource().getLocation());
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(e.getMessage(), e);
        }
        return new VersionLoader(classes.toArray(URL[]::new));
    }

    /** The model in this version. */
    Workload load(Path model, int threads, int prompt, int generated) throws ReflectiveOperationException {
        Constructor<?> constructor = loadClass(ModelWorkload.class.getName())
                .getDeclaredConstructor(Path.class, int.class, int.class, int.class);
        constructor.setAccessible(true);
        return (Workload) constructor.newInstance(model, threads, prompt, generated);
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (!name.startsWith("dev.nibble.") || name.equals(Workload.class.getName())) {
            return super.loadClass(name, resolve);
        }
        synchronized (getClassLoadingLock(name)) {
            Class<?> loaded = findLoadedClass(name);
            return loaded != null ? loaded : findClass(name);
        }
    }
}
