package dev.nibble;

import java.util.List;
import java.util.Objects;

/** Checks of arguments. */
final class Arguments {
    private Arguments() {}

    /** Fails with the name of what is null: the list, or {@code name[index]}. */
    static <T> List<T> requireNonNull(List<T> list, String name) {
        Objects.requireNonNull(list, name);
        int index = 0;
        for (T element : list) {
            if (element == null) {
                throw new NullPointerException(name + "[" + index + "]");
            }
            index++;
        }
        return list;
    }
}
