package dev.nibble.server.work;

import dev.nibble.EmbeddingModel;
import dev.nibble.EmbeddingOptions;
import dev.nibble.Engine;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.RerankModel;
import dev.nibble.model.Model.Pooling;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.ModelFinder;
import dev.nibble.server.http.RequestException;
import dev.nibble.server.http.RequestException.Kind;
import java.io.IOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The models of a server by name: loaded when they are asked for, kept for a while after, unloaded, the least recently used
 * first, where others need their memory or their place. Thread-safe.
 */
public final class Models implements AutoCloseable {
    private static final Logger LOG = System.getLogger("dev.nibble.server");

    /** How long a model waits for the place of another that is in use. */
    private static final Duration PATIENCE = Duration.ofSeconds(10);

    /** What a model is loaded for. */
    public enum Use {
        /** To generate text. */
        GENERATION,
        /** For embeddings. */
        EMBEDDING,
        /** To rate documents. */
        RERANKING
    }

    /** What is the same for entries that can share a loaded model. */
    private record Key(Path file, LoadOptions load, Optional<Pooling> pooling, Use use) {
        Key(ModelEntry entry, Use use) {
            this(entry.file(), entry.load(), use == Use.EMBEDDING ? entry.pooling() : Optional.empty(), use);
        }
    }

    private final Engine engine;
    private final Map<String, ModelEntry> given = new LinkedHashMap<>();
    private final ModelFinder finder;
    private final int mostLoaded;
    private final Duration keepAlive;
    private final Map<Path, ModelFacts> facts = new ConcurrentHashMap<>();
    private final Map<Key, Part> parts = new LinkedHashMap<>(); // guarded by this
    private boolean closed; // guarded by this

    /**
     * @param mostLoaded models that are loaded at a time, 0 for as many as memory has room for
     * @param keepAlive how long an unused model stays where a request does not say, negative for ever
     */
    public Models(Engine engine, List<ModelEntry> given, ModelFinder finder, int mostLoaded, Duration keepAlive) {
        this.engine = engine;
        given.forEach(entry -> this.given.put(entry.name(), entry));
        this.finder = finder;
        this.mostLoaded = mostLoaded;
        this.keepAlive = keepAlive;
    }

    /** All models, those that were given first. */
    public List<ModelEntry> all() throws IOException {
        List<ModelEntry> all = new ArrayList<>(given.values());
        Set<String> names = new LinkedHashSet<>(given.keySet());
        for (String name : finder.names()) {
            if (names.add(name)) {
                finder.find(name).ifPresent(all::add);
            }
        }
        return all;
    }

    /** The model that is used where a request names none; empty if none was given. */
    public Optional<ModelEntry> first() {
        return given.values().stream().findFirst();
    }

    /** The model of exactly this name or alias; {@code :latest} may be added. */
    public Optional<ModelEntry> find(String name) throws IOException {
        for (String candidate : List.of(name, name.replaceFirst(":latest$", ""))) {
            ModelEntry entry = given.get(candidate);
            if (entry != null) {
                return Optional.of(entry);
            }
            Optional<ModelEntry> alias = given.values().stream()
                    .filter(other -> other.aliases().contains(candidate))
                    .findFirst();
            if (alias.isPresent()) {
                return alias;
            }
            Optional<ModelEntry> found = finder.find(candidate);
            if (found.isPresent()) {
                return found;
            }
        }
        return Optional.empty();
    }

    /** The model of this name, or fails. */
    public ModelEntry require(String name) throws IOException {
        return find(name).orElseThrow(() -> unknown(name));
    }

    /** As {@link #require}, but where one model alone was given it has every name, as clients send those of others. */
    public ModelEntry requireOrOnly(@Nullable String name) throws IOException {
        Optional<ModelEntry> named = name == null || name.isEmpty() ? first() : find(name);
        if (named.isEmpty() && given.size() == 1) {
            return given.values().iterator().next();
        }
        return named.orElseThrow(() -> unknown(name == null ? "" : name));
    }

    private RequestException unknown(String name) {
        return RequestException.of(
                Kind.UNKNOWN_MODEL,
                name.isEmpty()
                        ? "'model' is missing"
                        : "there is no model '" + name + "'; there are " + String.join(", ", given.keySet()));
    }

    /** What a model's file says; kept. */
    public ModelFacts facts(ModelEntry entry) throws IOException {
        ModelFacts known = facts.get(entry.file());
        if (known == null) {
            known = ModelFacts.read(entry.file());
            facts.put(entry.file(), known);
        }
        return known;
    }

    /** A model for a request, loaded if it is not. It stays loaded until the lease is closed. */
    public Lease lease(ModelEntry entry, Use use) throws IOException {
        Part part;
        synchronized (this) {
            if (closed) {
                throw RequestException.of(Kind.BUSY, "the server is shutting down");
            }
            part = parts.computeIfAbsent(new Key(entry, use), key -> new Part(entry, use));
            part.users++;
        }
        Lease lease = new Lease(this, part, entry);
        try {
            part.load();
            return lease;
        } catch (Throwable e) {
            lease.close();
            throw e;
        }
    }

    /** A model as it is loaded. */
    final class Part {
        private final ModelEntry entry;
        private final Use use;
        private final Object loading = new Object();
        private @Nullable AutoCloseable model; // written under both locks
        private Duration loadTime = Duration.ZERO;
        private int users; // guarded by Models, as the next ones
        private Instant lastUsed = Instant.now();
        private Duration keep = keepAlive;

        Part(ModelEntry entry, Use use) {
            this.entry = entry;
            this.use = use;
        }

        AutoCloseable model() {
            return Objects.requireNonNull(model);
        }

        Duration loadTime() {
            return loadTime;
        }

        void load() throws IOException {
            synchronized (loading) {
                if (model != null) {
                    return;
                }
                makePlace();
                long start = System.nanoTime();
                while (model == null) {
                    try {
                        AutoCloseable loaded = open();
                        synchronized (Models.this) {
                            model = loaded;
                        }
                    } catch (OutOfMemoryException e) {
                        if (!unloadLeastRecentlyUsed()) {
                            throw e;
                        }
                    }
                }
                loadTime = Duration.ofNanos(System.nanoTime() - start);
                LOG.log(Level.INFO, "loaded {0} in {1} ms", entry.name(), String.valueOf(loadTime.toMillis()));
            }
        }

        private AutoCloseable open() throws IOException {
            LoadOptions options = entry.load().withEngine(engine);
            if (use == Use.GENERATION) {
                return LanguageModel.load(entry.file(), options);
            }
            if (use == Use.RERANKING) {
                return RerankModel.load(entry.file(), options.withoutContextLength());
            }
            EmbeddingOptions embedding = EmbeddingOptions.DEFAULT;
            return EmbeddingModel.load(
                    entry.file(),
                    options.withoutContextLength(),
                    entry.pooling().map(embedding::withPooling).orElse(embedding));
        }

        private void makePlace() {
            while (mostLoaded > 0 && loadedCount() >= mostLoaded) {
                if (!unloadLeastRecentlyUsed()) {
                    throw RequestException.of(
                            Kind.BUSY, "all " + mostLoaded + " models that may be loaded are in use; try again later");
                }
            }
        }
    }

    private synchronized int loadedCount() {
        return (int) parts.values().stream().filter(part -> part.model != null).count();
    }

    /** Unloads a model to make place, waiting a while for one that is in use; returns whether there was one. */
    private boolean unloadLeastRecentlyUsed() {
        long end = System.nanoTime() + PATIENCE.toNanos();
        AutoCloseable unused;
        synchronized (this) {
            Optional<Part> oldest = leastRecentlyUsed();
            long left = end - System.nanoTime();
            while (oldest.isEmpty() && left > 0 && parts.values().stream().anyMatch(part -> part.model != null)) {
                try {
                    TimeUnit.NANOSECONDS.timedWait(this, left);
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                    return false;
                }
                oldest = leastRecentlyUsed();
                left = end - System.nanoTime();
            }
            if (oldest.isEmpty()) {
                return false;
            }
            unused = take(oldest.get());
        }
        close(unused);
        return true;
    }

    private Optional<Part> leastRecentlyUsed() {
        return parts.values().stream()
                .filter(part -> part.model != null && part.users == 0)
                .min(Comparator.comparing(part -> part.lastUsed));
    }

    private AutoCloseable take(Part part) {
        AutoCloseable model = part.model();
        part.model = null;
        parts.values().remove(part);
        LOG.log(Level.INFO, "unloaded {0}", part.entry.name());
        return model;
    }

    void release(Part part, @Nullable Duration keep) {
        AutoCloseable unused = null;
        synchronized (this) {
            part.users--;
            notifyAll();
            part.lastUsed = Instant.now();
            if (keep != null) {
                part.keep = keep;
            }
            if (part.users == 0 && (part.model == null || part.keep.isZero() || closed)) {
                parts.values().remove(part);
                unused = part.model == null ? null : take(part);
            }
        }
        if (unused != null) {
            close(unused);
        }
    }

    /** Unloads a model that is not in use now, and one that is when it no longer is. */
    public void unload(ModelEntry entry) {
        List<AutoCloseable> unused = new ArrayList<>();
        synchronized (this) {
            for (Part part : List.copyOf(parts.values())) {
                if (part.entry.file().equals(entry.file())) {
                    part.keep = Duration.ZERO;
                    if (part.users == 0 && part.model != null) {
                        unused.add(take(part));
                    }
                }
            }
        }
        unused.forEach(Models::close);
    }

    /** Unloads what was not used for longer than it is kept. */
    public void unloadIdle() {
        List<AutoCloseable> unused = new ArrayList<>();
        synchronized (this) {
            Instant now = Instant.now();
            for (Part part : List.copyOf(parts.values())) {
                if (part.users == 0 && part.model != null && expires(part).isBefore(now)) {
                    unused.add(take(part));
                }
            }
        }
        unused.forEach(Models::close);
    }

    private static Instant expires(Part part) {
        return part.keep.isNegative() ? Instant.MAX : part.lastUsed.plus(part.keep);
    }

    /**
     * A model that is loaded.
     *
     * @param expires when it is unloaded if nobody uses it, {@link Instant#MAX} for never
     */
    public record Loaded(ModelEntry entry, Use use, AutoCloseable model, Instant expires) {}

    /** Answers in a batch on average of all models that are loaded; 0 where nothing was evaluated. */
    public double meanBatchSize() {
        return loaded().stream()
                .filter(one -> one.model() instanceof LanguageModel)
                .mapToDouble(one -> ((LanguageModel) one.model()).stats().meanBatchSize())
                .filter(Double::isFinite)
                .average()
                .orElse(0);
    }

    /** All that are loaded now. */
    public synchronized List<Loaded> loaded() {
        return parts.values().stream()
                .filter(part -> part.model != null)
                .map(part -> new Loaded(part.entry, part.use, part.model(), expires(part)))
                .toList();
    }

    private static void close(AutoCloseable model) {
        try {
            model.close();
        } catch (Exception e) {
            LOG.log(Level.WARNING, "a model could not be closed", e);
        }
    }

    /** Unloads all that is not in use; the rest when it no longer is. */
    @Override
    public void close() {
        List<AutoCloseable> unused = new ArrayList<>();
        synchronized (this) {
            closed = true;
            for (Part part : List.copyOf(parts.values())) {
                if (part.users == 0 && part.model != null) {
                    unused.add(take(part));
                }
            }
        }
        unused.forEach(Models::close);
    }
}
