package dev.nibble.server;

import dev.nibble.GenerationOptions;
import dev.nibble.LoadOptions;
import dev.nibble.chat.ChatTemplate;
import dev.nibble.model.Model.Pooling;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** A model that a server has, and how it is served. Immutable; start from {@link #of} and set what differs. */
public final class ModelEntry {
    private final String name;
    private final Path file;
    private final List<String> aliases;
    private final LoadOptions load;
    private final GenerationOptions generation;
    private final Optional<ChatTemplate> template;
    private final Optional<String> system;
    private final Optional<Pooling> pooling;
    private final Optional<Boolean> thinking;
    private final List<String> tags;

    private ModelEntry(
            String name,
            Path file,
            List<String> aliases,
            LoadOptions load,
            GenerationOptions generation,
            Optional<ChatTemplate> template,
            Optional<String> system,
            Optional<Pooling> pooling,
            Optional<Boolean> thinking,
            List<String> tags) {
        this.name = name;
        this.file = file;
        this.aliases = aliases;
        this.load = load;
        this.generation = generation;
        this.template = template;
        this.system = system;
        this.pooling = pooling;
        this.thinking = thinking;
        this.tags = tags;
    }

    /**
     * A model as its file has it.
     *
     * @param name by which clients ask for it
     * @param file the first one of a split model
     */
    public static ModelEntry of(String name, Path file) {
        if (name.isBlank()) {
            throw new IllegalArgumentException("the name of a model must not be blank");
        }
        return new ModelEntry(
                name,
                Objects.requireNonNull(file, "file"),
                List.of(),
                LoadOptions.DEFAULT,
                GenerationOptions.DEFAULT,
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                List.of());
    }

    /** By which clients ask for it. */
    public String name() {
        return name;
    }

    /** The file, the first one of a split model. */
    public Path file() {
        return file;
    }

    /** Other names of it. */
    public List<String> aliases() {
        return aliases;
    }

    /** Other names of it. */
    public ModelEntry withAliases(List<String> value) {
        return new ModelEntry(
                name, file, List.copyOf(value), load, generation, template, system, pooling, thinking, tags);
    }

    /** How it is loaded; the engine is the server's. */
    public LoadOptions load() {
        return load;
    }

    /**
     * How it is loaded. The context is that of a conversation; without one it is the model's own, up to 8192 tokens, or what memory
     * has room for.
     */
    public ModelEntry withLoad(LoadOptions value) {
        return new ModelEntry(
                name,
                file,
                aliases,
                Objects.requireNonNull(value, "load"),
                generation,
                template,
                system,
                pooling,
                thinking,
                tags);
    }

    /** How it generates where a request says nothing. */
    public GenerationOptions generation() {
        return generation;
    }

    /** How it generates where a request says nothing; what is not set is as the file recommends. */
    public ModelEntry withGeneration(GenerationOptions value) {
        return new ModelEntry(
                name,
                file,
                aliases,
                load,
                Objects.requireNonNull(value, "generation"),
                template,
                system,
                pooling,
                thinking,
                tags);
    }

    /** The chat template in place of the file's. */
    public Optional<ChatTemplate> template() {
        return template;
    }

    /** Another chat template than the file's. */
    public ModelEntry withTemplate(ChatTemplate value) {
        return new ModelEntry(
                name, file, aliases, load, generation, Optional.of(value), system, pooling, thinking, tags);
    }

    /** The system message of conversations that have none. */
    public Optional<String> system() {
        return system;
    }

    /** The system message of conversations that have none. */
    public ModelEntry withSystem(String value) {
        return new ModelEntry(
                name, file, aliases, load, generation, template, Optional.of(value), pooling, thinking, tags);
    }

    /** How embeddings are made of the states of tokens, where it is not as the file says. */
    public Optional<Pooling> pooling() {
        return pooling;
    }

    /** How embeddings are made of the states of tokens: for a model whose file does not say. */
    public ModelEntry withPooling(Pooling value) {
        return new ModelEntry(
                name, file, aliases, load, generation, template, system, Optional.of(value), thinking, tags);
    }

    /** Whether the model is asked to think where a request does not say; empty for what its template does by itself. */
    public Optional<Boolean> thinking() {
        return thinking;
    }

    /** Whether the model is asked to think where a request does not say. */
    public ModelEntry withThinking(boolean value) {
        return new ModelEntry(
                name, file, aliases, load, generation, template, system, pooling, Optional.of(value), tags);
    }

    /** Words that clients are told of it. */
    public List<String> tags() {
        return tags;
    }

    /** Words that clients are told of it, without effect here. */
    public ModelEntry withTags(List<String> value) {
        return new ModelEntry(
                name, file, aliases, load, generation, template, system, pooling, thinking, List.copyOf(value));
    }

    @Override
    public String toString() {
        return name + " (" + file + ")";
    }
}
