package dev.nibble;

import java.util.Objects;

/** Another file, which a model should know when it {@linkplain Session#infill fills in} text. Immutable. */
public final class SourceFile {
    private final String name;
    private final String text;

    private SourceFile(String name, String text) {
        this.name = Objects.requireNonNull(name, "name");
        this.text = Objects.requireNonNull(text, "text");
    }

    /**
     * A file.
     *
     * @param name with its ending, as {@code src/Main.java}
     * @param text what is in it
     */
    public static SourceFile of(String name, String text) {
        return new SourceFile(name, text);
    }

    /** The name, with its ending. */
    public String name() {
        return name;
    }

    /** What is in it. */
    public String text() {
        return text;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SourceFile file && name.equals(file.name) && text.equals(file.text);
    }

    @Override
    public int hashCode() {
        return Objects.hash(name, text);
    }

    @Override
    public String toString() {
        return name;
    }
}
