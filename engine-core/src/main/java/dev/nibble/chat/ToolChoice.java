package dev.nibble.chat;

import java.util.Objects;
import java.util.Optional;

/** Whether an answer may, must or must not call tools. Immutable. */
public final class ToolChoice {
    private enum Kind {
        NONE,
        AUTO,
        REQUIRED,
        NAMED
    }

    /** No tool is called, though the model is told of them. */
    public static final ToolChoice NONE = new ToolChoice(Kind.NONE, "");

    /** The model decides. */
    public static final ToolChoice AUTO = new ToolChoice(Kind.AUTO, "");

    /** One tool at least is called, whichever. */
    public static final ToolChoice REQUIRED = new ToolChoice(Kind.REQUIRED, "");

    private final Kind kind;
    private final String name;

    private ToolChoice(Kind kind, String name) {
        this.kind = kind;
        this.name = name;
    }

    /** The tool of this name is called. */
    public static ToolChoice named(String name) {
        return new ToolChoice(Kind.NAMED, Objects.requireNonNull(name, "name"));
    }

    /** Whether a tool may be called. */
    public boolean isAllowed() {
        return kind != Kind.NONE;
    }

    /** Whether a tool has to be called. */
    public boolean isRequired() {
        return kind == Kind.REQUIRED || kind == Kind.NAMED;
    }

    /** The name of the one tool that is called, empty where none is named. */
    public Optional<String> name() {
        return kind == Kind.NAMED ? Optional.of(name) : Optional.empty();
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof ToolChoice choice && kind == choice.kind && name.equals(choice.name);
    }

    @Override
    public int hashCode() {
        return 31 * kind.hashCode() + name.hashCode();
    }

    @Override
    public String toString() {
        return kind == Kind.NAMED ? name : kind.name();
    }
}
