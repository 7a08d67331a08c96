package dev.nibble.chat.dialect;

import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Finds how calls are written by rendering conversations that differ in one thing. */
public final class TemplateDiff {
    private TemplateDiff() {}

    /** The dialect that a template renders calls in. */
    public static Optional<Dialect> of(Function<Map<String, ? extends @Nullable Object>, String> template) {
        return Optional.empty();
    }
}
