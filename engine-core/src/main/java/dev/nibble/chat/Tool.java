package dev.nibble.chat;

import dev.nibble.constraint.ConstraintException;
import dev.nibble.constraint.TypeMapping;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A tool that a model may call: what the model is told of it, and what it does. Immutable; as thread-safe as its handler, which
 * a {@link dev.nibble.ToolLoop} calls from several threads at a time.
 *
 * <pre>{@code
 * record City(@Description("as people there call it") String name) {}
 *
 * Tool weather = Tool.of("weather", "Weather of a city", City.class, city -> service.lookup(city.name()));
 * }</pre>
 */
public final class Tool {
    /**
     * What a tool does.
     *
     * @param <A> the type of its arguments
     */
    @FunctionalInterface
    public interface Handler<A> {
        /**
         * Does it.
         *
         * @return the result: a text goes to the model as it is, records, maps, lists, numbers and the like as JSON
         * @throws Exception if it fails; the model is told the message
         */
        @Nullable Object call(A arguments) throws Exception;
    }

    private final ToolSpec spec;
    private final @Nullable Handler<String> handler;

    private Tool(ToolSpec spec, @Nullable Handler<String> handler) {
        this.spec = Objects.requireNonNull(spec, "spec");
        this.handler = handler;
    }

    /**
     * A tool with arguments of a type.
     *
     * @param name as {@link ToolSpec#of} takes it
     * @param description what it does, for the model
     * @param arguments a record; see {@link TypeMapping}
     * @throws ConstraintException if the type cannot be written as JSON
     * @throws IllegalArgumentException if the name has other characters
     */
    public static <A> Tool of(String name, String description, Class<A> arguments, Handler<A> handler) {
        Objects.requireNonNull(handler, "handler");
        TypeMapping<A> mapping = TypeMapping.of(arguments);
        return new Tool(ToolSpec.of(name, description, mapping.schema()), json -> handler.call(mapping.read(json)));
    }

    /** A tool whose handler takes the arguments as JSON. */
    public static Tool of(ToolSpec spec, Handler<String> handler) {
        return new Tool(spec, Objects.requireNonNull(handler, "handler"));
    }

    /** A tool that only the caller can run: its calls are told. */
    public static Tool of(ToolSpec spec) {
        return new Tool(spec, null);
    }

    /** What the model is told of it. */
    public ToolSpec spec() {
        return spec;
    }

    /** Whether it can be run here. */
    public boolean hasHandler() {
        return handler != null;
    }

    /**
     * Runs it.
     *
     * @param arguments a JSON object that satisfies the schema
     * @return the result as the model is told it
     * @throws Exception if it fails
     * @throws IllegalStateException if it has no handler
     */
    public String run(String arguments) throws Exception {
        if (handler == null) {
            throw new IllegalStateException("the tool " + spec.name() + " has no handler");
        }
        return ToolValues.text(handler.call(Objects.requireNonNull(arguments, "arguments")));
    }

    @Override
    public String toString() {
        return spec.toString();
    }
}
