package dev.nibble;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalInt;

/**
 * The values of some options by name: what all kinds of options are made of. It knows which were set, so that others can
 * stand in for the rest, and an option can be added without changing what a caller was compiled against. Immutable.
 *
 * <p>One convention for what is not set: an option has its default, and one whose default depends on the model or the
 * machine is an empty {@link java.util.Optional}.
 */
final class OptionValues {
    /** An option's name and default. */
    record Option<T>(String name, T defaultValue) {}

    static final OptionValues NONE = new OptionValues(Map.of());

    private final Map<Option<?>, Object> values;

    private OptionValues(Map<Option<?>, Object> values) {
        this.values = values;
    }

    @SuppressWarnings("unchecked") // with() stores values of the option's type only
    <T> T get(Option<T> option) {
        return (T) values.getOrDefault(option, option.defaultValue());
    }

    boolean isSet(Option<?> option) {
        return values.containsKey(option);
    }

    <T> OptionValues with(Option<T> option, T value) {
        Map<Option<?>, Object> changed = new LinkedHashMap<>(values);
        changed.put(option, value);
        return new OptionValues(changed);
    }

    /** As {@link #with}, for a number of at least {@code least}. */
    OptionValues withAtLeast(Option<OptionalInt> option, int value, int least) {
        return with(option, OptionalInt.of(atLeast(option, value, least)));
    }

    /** These, then those of {@code others}. */
    OptionValues orElse(OptionValues others) {
        Map<Option<?>, Object> merged = new LinkedHashMap<>(others.values);
        merged.putAll(values);
        return new OptionValues(merged);
    }

    /** The value, if it is {@code least} or more. */
    static int atLeast(Option<?> option, int value, int least) {
        if (value < least) {
            throw new IllegalArgumentException(option.name() + " must be " + least + " or more, not " + value);
        }
        return value;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof OptionValues options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** Those that were set, behind the name of their kind. */
    String describe(Class<?> kind) {
        StringBuilder text = new StringBuilder(kind.getSimpleName()).append('[');
        values.forEach((option, value) -> {
            text.append(text.charAt(text.length() - 1) == '[' ? "" : ", ");
            text.append(option.name()).append('=').append(value);
        });
        return text.append(']').toString();
    }
}
