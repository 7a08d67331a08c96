package dev.nibble.constraint;

import dev.nibble.json.JsonValues;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiPredicate;
import org.jspecify.annotations.Nullable;

/**
 * One alternative of what a schema allows, by the types of values; a type that is not allowed is null or false.
 *
 * @param nulls whether null is
 * @param booleans 1 for false, 2 for true, 3 for both
 * @param values where not null, the value must also be one of these
 */
record Shape(
        boolean nulls,
        int booleans,
        @Nullable NumberShape numbers,
        @Nullable StringShape strings,
        @Nullable ArrayShape arrays,
        @Nullable ObjectShape objects,
        @Nullable List<Object> values) {

    static final Shape ANY =
            new Shape(true, 3, NumberShape.ANY, StringShape.ANY, ArrayShape.ANY, ObjectShape.ANY, null);
    static final Shape NONE = new Shape(false, 0, null, null, null, null, null);

    Shape withNulls(boolean value) {
        return new Shape(value, booleans, numbers, strings, arrays, objects, values);
    }

    Shape withBooleans(int value) {
        return new Shape(nulls, value, numbers, strings, arrays, objects, values);
    }

    Shape withNumbers(@Nullable NumberShape value) {
        return new Shape(nulls, booleans, value, strings, arrays, objects, values);
    }

    Shape withStrings(@Nullable StringShape value) {
        return new Shape(nulls, booleans, numbers, value, arrays, objects, values);
    }

    Shape withArrays(@Nullable ArrayShape value) {
        return new Shape(nulls, booleans, numbers, strings, value, objects, values);
    }

    Shape withObjects(@Nullable ObjectShape value) {
        return new Shape(nulls, booleans, numbers, strings, arrays, value, values);
    }

    Shape withValues(@Nullable List<Object> value) {
        return new Shape(nulls, booleans, numbers, strings, arrays, objects, value);
    }

    /** Whether no type is allowed. */
    boolean isNone() {
        return !nulls && booleans == 0 && numbers == null && strings == null && arrays == null && objects == null;
    }

    /** What both allow. */
    Shape and(Shape other, Exprs exprs, BiPredicate<Expr, String> matches) {
        List<Object> both = values;
        if (both == null) {
            both = other.values;
        } else if (other.values != null) {
            Set<Object> others = new HashSet<>();
            other.values.forEach(value -> others.add(JsonValues.canonical(value)));
            both = both.stream()
                    .filter(value -> others.contains(JsonValues.canonical(value)))
                    .toList();
        }
        return new Shape(
                nulls && other.nulls,
                booleans & other.booleans,
                numbers == null || other.numbers == null ? null : numbers.and(other.numbers),
                strings == null || other.strings == null ? null : strings.and(other.strings, exprs),
                arrays == null || other.arrays == null ? null : arrays.and(other.arrays),
                objects == null || other.objects == null ? null : objects.and(other.objects, exprs, matches),
                both);
    }
}
