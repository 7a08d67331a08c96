package dev.nibble.constraint;

import dev.nibble.constraint.ArrayShape.Contains;
import dev.nibble.json.JsonValues;
import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/** Which values have a shape: whether a given one has it, and whether there is any, as far as that can be proved. */
final class ShapeValues {
    private final SchemaReader reader;

    ShapeValues(SchemaReader reader) {
        this.reader = reader;
    }

    /** Whether no value is of both, as far as can be proved. */
    boolean areDisjoint(List<Shape> first, List<Shape> second) {
        for (Shape a : first) {
            for (Shape b : second) {
                if (!isProvablyEmpty(a.and(b, reader.exprs(), reader::matches), 3)) {
                    return false;
                }
            }
        }
        return true;
    }

    /** Whether no value has the shape, as far as can be seen within so many levels. */
    private boolean isProvablyEmpty(Shape shape, int levels) {
        List<Object> values = shape.values();
        if (values != null) {
            Shape types = shape.withValues(null);
            return values.stream().noneMatch(value -> accepts(types, value));
        }
        if (shape.nulls() || shape.booleans() != 0) {
            return false;
        }
        NumberShape numbers = shape.numbers();
        if (numbers != null && !new NumberTexts(reader.exprs()).texts(numbers).isNothing()) {
            return false;
        }
        StringShape strings = shape.strings();
        if (strings != null && !reader.content(strings).isNothing()) {
            return false;
        }
        ArrayShape arrays = shape.arrays();
        if (arrays != null) {
            boolean empty = arrays.min() > arrays.max();
            for (int i = 0; i < Math.min(arrays.min(), arrays.prefix().size() + 1) && !empty && levels > 0; i++) {
                empty = isProvablyEmpty(arrays.item(i), levels - 1);
            }
            if (!empty) {
                return false;
            }
        }
        ObjectShape objects = shape.objects();
        if (objects != null) {
            boolean empty = objects.min() > objects.max();
            for (String name : objects.required()) {
                empty |= levels > 0 && isProvablyEmpty(objects.value(name, reader::matches), levels - 1);
            }
            return empty;
        }
        return true;
    }

    private boolean isProvablyEmpty(SchemaNode node, int levels) {
        return !reader.isOpen(node) && reader.shapes(node).stream().allMatch(shape -> isProvablyEmpty(shape, levels));
    }

    /** Whether a value has the shape. */
    boolean accepts(Shape shape, Object value) {
        List<Object> values = shape.values();
        if (values != null && values.stream().noneMatch(one -> JsonValues.same(one, value))) {
            return false;
        }
        return switch (value) {
            case Boolean bool -> (shape.booleans() & (bool ? 2 : 1)) != 0;
            case BigDecimal number -> {
                NumberShape numbers = shape.numbers();
                yield numbers != null && numbers.accepts(number);
            }
            case String text -> {
                StringShape strings = shape.strings();
                int length = text.codePointCount(0, text.length());
                Expr language = strings == null ? null : strings.language();
                yield strings != null
                        && length >= strings.min()
                        && length <= strings.max()
                        && (language == null || reader.matches(language, text));
            }
            case List<?> list -> {
                ArrayShape arrays = shape.arrays();
                yield arrays != null && accepts(arrays, list);
            }
            case Map<?, ?> map -> {
                ObjectShape objects = shape.objects();
                yield objects != null && accepts(objects, map);
            }
            default -> shape.nulls();
        };
    }

    /** Whether a value satisfies a node. */
    boolean accepts(SchemaNode node, Object value) {
        return reader.shapes(node).stream().anyMatch(shape -> accepts(shape, value));
    }

    private boolean accepts(ArrayShape arrays, List<?> list) {
        boolean right = list.size() >= arrays.min() && list.size() <= arrays.max();
        for (int i = 0; right && i < list.size(); i++) {
            right = accepts(arrays.item(i), list.get(i));
            for (int j = 0; right && arrays.unique() && j < i; j++) {
                right = !JsonValues.same(list.get(i), list.get(j));
            }
        }
        for (Contains contains : arrays.contains()) {
            long count =
                    list.stream().filter(item -> accepts(contains.node(), item)).count();
            right = right && count >= contains.min() && count <= contains.max();
        }
        return right;
    }

    private boolean accepts(ObjectShape objects, Map<?, ?> map) {
        if (map.size() < objects.min()
                || map.size() > objects.max()
                || !map.keySet().containsAll(objects.required())) {
            return false;
        }
        Expr names = objects.names();
        return map.entrySet().stream().allMatch(entry -> {
            String name = (String) entry.getKey();
            return (names == null || reader.matches(names, name))
                    && accepts(objects.value(name, reader::matches), entry.getValue());
        });
    }
}
