package dev.nibble.constraint;

import dev.nibble.constraint.ObjectShape.Layer;
import dev.nibble.constraint.SchemaNode.Part;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** What schemas do not allow, as alternatives: for {@code not}, {@code oneOf}, {@code if} and {@code maxContains}. */
final class SchemaComplement {
    private final SchemaReader reader;

    SchemaComplement(SchemaReader reader) {
        this.reader = reader;
    }

    /**
     * What none of the shapes allows.
     *
     * @throws ConstraintException if that cannot be expressed
     */
    List<Shape> of(List<Shape> shapes, String pointer) {
        List<Shape> result = List.of(Shape.ANY);
        for (Shape shape : shapes) {
            List<Shape> both = new ArrayList<>();
            for (Shape a : result) {
                for (Shape b : of(shape, pointer)) {
                    Shape and = a.and(b, reader.exprs(), reader::matches);
                    if (!and.isNone() && (and.values() == null || !and.values().isEmpty())) {
                        both.add(and);
                    }
                }
            }
            result = both;
        }
        return result;
    }

    private List<Shape> of(Shape shape, String pointer) {
        List<Object> values = shape.values();
        if (values != null) {
            Shape types = shape.withValues(null);
            return excluding(
                    values.stream()
                            .filter(value -> reader.values().accepts(types, value))
                            .toList(),
                    pointer);
        }
        List<Shape> outside = new ArrayList<>();
        outside.add(new Shape(
                !shape.nulls(),
                3 & ~shape.booleans(),
                shape.numbers() == null ? NumberShape.ANY : null,
                shape.strings() == null ? StringShape.ANY : null,
                shape.arrays() == null ? ArrayShape.ANY : null,
                shape.objects() == null ? ObjectShape.ANY : null,
                null));
        NumberShape numbers = shape.numbers();
        if (numbers != null) {
            if (numbers.integer() || !numbers.multiples().isEmpty()) {
                throw SchemaReader.refused(pointer, keyword(pointer), "integers and multiples cannot be excluded");
            }
            numbers.complement().forEach(part -> outside.add(Shape.NONE.withNumbers(part)));
        }
        StringShape strings = shape.strings();
        if (strings != null && !strings.equals(StringShape.ANY)) {
            outside.add(Shape.NONE.withStrings(without(reader.content(strings))));
        }
        ArrayShape arrays = shape.arrays();
        if (arrays != null && !arrays.equals(ArrayShape.ANY)) {
            throw SchemaReader.refused(
                    pointer, keyword(pointer), "arrays that have to satisfy something cannot be excluded");
        }
        ObjectShape objects = shape.objects();
        if (objects != null && !objects.equals(ObjectShape.ANY)) {
            outside.addAll(of(objects, pointer));
        }
        return outside;
    }

    private StringShape without(Expr content) {
        Exprs exprs = reader.exprs();
        Expr any = exprs.star(Characters.JSON.spell(exprs, CodePointSet.ALL));
        return new StringShape(0, Expr.UNBOUNDED, exprs.and(reader.determined(any), exprs.not(content)));
    }

    private List<Shape> excluding(List<Object> values, String pointer) {
        Shape others = Shape.ANY;
        List<String> texts = new ArrayList<>();
        List<BigDecimal> numbers = new ArrayList<>();
        for (Object value : values) {
            switch (value) {
                case Boolean bool -> others = others.withBooleans(others.booleans() & (bool ? 1 : 2));
                case String text -> texts.add(text);
                case BigDecimal number -> numbers.add(number);
                case List<?> list ->
                    throw SchemaReader.refused(pointer, keyword(pointer), "an array cannot be excluded");
                case Map<?, ?> map ->
                    throw SchemaReader.refused(pointer, keyword(pointer), "an object cannot be excluded");
                default -> others = others.withNulls(false);
            }
        }
        if (!texts.isEmpty()) {
            others = others.withStrings(without(Characters.JSON.choices(reader.exprs(), texts)));
        }
        if (numbers.isEmpty()) {
            return List.of(others);
        }
        numbers.sort(BigDecimal::compareTo);
        List<Shape> outside = new ArrayList<>();
        outside.add(others.withNumbers(NumberShape.ANY.withHigh(numbers.getFirst(), true)));
        for (int i = 1; i < numbers.size(); i++) {
            outside.add(Shape.NONE.withNumbers(
                    NumberShape.ANY.withLow(numbers.get(i - 1), true).withHigh(numbers.get(i), true)));
        }
        outside.add(Shape.NONE.withNumbers(NumberShape.ANY.withLow(numbers.getLast(), true)));
        return outside;
    }

    /** Objects in which a member is wrong or missing. */
    private List<Shape> of(ObjectShape objects, String pointer) {
        boolean simple = objects.layers().stream().allMatch(layer -> isAny(layer))
                && objects.min() == 0
                && objects.max() == Expr.UNBOUNDED
                && objects.names() == null;
        if (!simple) {
            throw SchemaReader.refused(
                    pointer, keyword(pointer), "of objects only properties and required can be excluded");
        }
        List<Shape> outside = new ArrayList<>();
        objects.properties().forEach((name, node) -> {
            for (Part part : node.parts()) {
                SchemaNode wrong = new SchemaNode(Set.of(new Part(part.source(), !part.negated())));
                outside.add(Shape.NONE.withObjects(
                        new ObjectShape(Map.of(name, wrong), List.of(), Set.of(name), 0, Expr.UNBOUNDED, null)));
            }
        });
        objects.required().forEach(name -> outside.add(Shape.NONE.withObjects(reader.without(name))));
        return outside;
    }

    private static boolean isAny(Layer layer) {
        return layer.patterns().isEmpty() && layer.additional().parts().isEmpty();
    }

    private static String keyword(String pointer) {
        for (String keyword : List.of("oneOf", "if", "contains", "not")) {
            if (pointer.endsWith("/" + keyword) || pointer.contains("/" + keyword + "/")) {
                return keyword;
            }
        }
        return "not";
    }
}
