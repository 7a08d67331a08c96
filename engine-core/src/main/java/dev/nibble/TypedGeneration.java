package dev.nibble;

import dev.nibble.constraint.TypeMapping;
import java.util.Objects;

/**
 * A generation whose text stands for a value.
 *
 * @param <T> the type of the value
 */
final class TypedGeneration<T> {
    private final TypeMapping<T> type;

    TypedGeneration(TypeMapping<T> type) {
        this.type = Objects.requireNonNull(type, "type");
    }

    /** The options with the constraint of the type. */
    GenerationOptions constrained(GenerationOptions options) {
        if (options.constraint().isPresent()) {
            throw new IllegalArgumentException("the options already have a constraint, "
                    + options.constraint().get() + ", beside that of the type");
        }
        return options.withConstraint(type.constraint());
    }

    /** The value of a text. */
    T value(String text, Generation generation) {
        if (!generation.isComplete()) {
            throw new IncompleteAnswerException(text, generation.finishReason());
        }
        return type.read(text);
    }
}
