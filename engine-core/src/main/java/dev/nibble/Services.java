package dev.nibble;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Spliterator;

/**
 * The formats and backends that are installed. A thread's context class loader often does not see them: in servlet
 * containers, plug-ins and executable jars, a thread of the common pool has the system's. So first those are taken that are
 * installed beside the library, and then what the context class loader adds.
 */
final class Services {
    private static final System.Logger LOG = System.getLogger("dev.nibble");

    /** Failures of a class loader after which no more is expected of it: the search may fail again and again. */
    private static final int MAX_FAILURES = 16;

    private Services() {}

    /**
     * One provider of each class: those of the module layer and of the class loader of {@code service}, in the order in which
     * {@link ServiceLoader} finds them, then those that only the thread's context class loader sees.
     *
     * @throws ServiceConfigurationError if a provider beside the library cannot be made; others are passed over
     */
    static <S> List<S> of(Class<S> service) {
        Map<String, S> found = new LinkedHashMap<>();
        ModuleLayer layer = service.getModule().getLayer();
        if (layer != null) {
            add(found, ServiceLoader.load(layer, service));
        }
        add(found, ServiceLoader.load(service, service.getClassLoader()));
        addWhatWorks(found, ServiceLoader.load(service, Thread.currentThread().getContextClassLoader()));
        return List.copyOf(found.values());
    }

    private static <S> void add(Map<String, S> found, ServiceLoader<S> loader) {
        loader.stream().forEach(provider -> add(found, provider));
    }

    /** By the class's name: where two class loaders have it, it is the same library twice. */
    private static <S> void add(Map<String, S> found, ServiceLoader.Provider<S> provider) {
        String name = provider.type().getName();
        if (!found.containsKey(name)) {
            found.put(name, provider.get());
        }
    }

    /** What does not work there is no one's fault here, as the providers of another copy of this library. */
    private static <S> void addWhatWorks(Map<String, S> found, ServiceLoader<S> loader) {
        Spliterator<ServiceLoader.Provider<S>> providers = loader.stream().spliterator();
        for (int failures = 0; failures < MAX_FAILURES; ) {
            try {
                if (!providers.tryAdvance(provider -> add(found, provider))) {
                    return;
                }
            } catch (ServiceConfigurationError | LinkageError e) {
                failures++;
                LOG.log(System.Logger.Level.DEBUG, "passed over: {0}", e.getMessage());
            }
        }
    }
}
