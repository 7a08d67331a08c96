package dev.nibble.constraint;

import dev.nibble.constraint.ArrayShape.Contains;
import dev.nibble.constraint.ObjectShape.PatternNode;
import dev.nibble.constraint.SchemaNode.Source;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Reads the keywords of one schema that speak of the value itself, all of them into one {@link Shape}. */
final class KeywordReader {
    private final SchemaReader reader;
    private final String pointer;
    private final Map<?, ?> schema;

    KeywordReader(SchemaReader reader, Source source, Map<?, ?> schema) {
        this.reader = reader;
        this.pointer = source.pointer();
        this.schema = schema;
    }

    Shape read() {
        Shape shape = types();
        if (shape.numbers() != null) {
            shape = shape.withNumbers(numbers(shape.numbers()));
        }
        if (shape.strings() != null) {
            shape = shape.withStrings(strings());
        }
        if (shape.arrays() != null) {
            shape = shape.withArrays(arrays());
        }
        if (shape.objects() != null) {
            shape = shape.withObjects(objects());
        }
        String format = text("format");
        if (format != null && (format.equals("int32") || format.equals("int64")) && shape.numbers() != null) {
            BigDecimal high = BigDecimal.valueOf(format.equals("int32") ? Integer.MAX_VALUE : Long.MAX_VALUE);
            BigDecimal low = BigDecimal.valueOf(format.equals("int32") ? Integer.MIN_VALUE : Long.MIN_VALUE);
            shape = shape.withNumbers(
                    shape.numbers().and(NumberShape.INTEGER.withLow(low, false).withHigh(high, false)));
        }
        if (schema.get("enum") instanceof List<?> values) {
            shape = shape.withValues(List.copyOf(values));
        } else if (schema.containsKey("enum")) {
            throw reader.malformed(at("enum"), "an array");
        }
        Object constant = schema.get("const");
        if (constant != null) {
            Shape only = Shape.ANY.withValues(List.of(constant));
            shape = shape.and(only, reader.exprs(), reader::matches);
        }
        return shape;
    }

    private String at(String keyword) {
        return SchemaReader.child(pointer, keyword);
    }

    private Shape types() {
        Object type = schema.get("type");
        if (type == null) {
            return Shape.ANY;
        }
        Shape shape = Shape.NONE;
        for (Object name : type instanceof List<?> list ? list : List.of(type)) {
            shape = switch (String.valueOf(name)) {
                case "null" -> shape.withNulls(true);
                case "boolean" -> shape.withBooleans(3);
                case "integer" -> shape.numbers() == null ? shape.withNumbers(NumberShape.INTEGER) : shape;
                case "number" -> shape.withNumbers(NumberShape.ANY);
                case "string" -> shape.withStrings(StringShape.ANY);
                case "array" -> shape.withArrays(ArrayShape.ANY);
                case "object" -> shape.withObjects(ObjectShape.ANY);
                default -> throw reader.malformed(at("type"), "the name of a type, not " + name + ",");
            };
        }
        return shape;
    }

    private NumberShape numbers(NumberShape shape) {
        NumberShape result = shape;
        BigDecimal minimum = number("minimum");
        if (minimum != null) {
            result = result.and(NumberShape.ANY.withLow(minimum, false));
        }
        BigDecimal above = number("exclusiveMinimum");
        if (above != null) {
            result = result.and(NumberShape.ANY.withLow(above, true));
        }
        BigDecimal maximum = number("maximum");
        if (maximum != null) {
            result = result.and(NumberShape.ANY.withHigh(maximum, false));
        }
        BigDecimal below = number("exclusiveMaximum");
        if (below != null) {
            result = result.and(NumberShape.ANY.withHigh(below, true));
        }
        BigDecimal divisor = number("multipleOf");
        if (divisor != null) {
            if (divisor.signum() <= 0) {
                throw reader.malformed(at("multipleOf"), "a number above 0");
            }
            result = result.withMultiple(divisor);
            try {
                new NumberTexts(reader.exprs()).texts(result);
            } catch (ConstraintException e) {
                throw SchemaReader.refused(pointer, "multipleOf", e.getMessage());
            }
        }
        return result;
    }

    private StringShape strings() {
        Exprs exprs = reader.exprs();
        Expr language = null;
        String pattern = text("pattern");
        if (pattern != null) {
            language = pattern(pattern, "pattern");
        }
        String format = text("format");
        if (format != null && !format.equals("int32") && !format.equals("int64")) {
            Expr form = Formats.language(exprs, format);
            if (form == null) {
                throw SchemaReader.refused(pointer, "format", "there is no format " + format);
            }
            language = language == null ? form : exprs.and(language, form);
        }
        return new StringShape(count("minLength", 0), count("maxLength", Expr.UNBOUNDED), language);
    }

    private Expr pattern(String pattern, String keyword) {
        try {
            return RegexParser.search(reader.exprs(), Characters.JSON, pattern);
        } catch (ConstraintException e) {
            throw SchemaReader.refused(pointer, keyword, e.getMessage());
        }
    }

    private ArrayShape arrays() {
        List<SchemaNode> prefix = List.of();
        SchemaNode items = SchemaNode.ANY;
        Object first = schema.get("prefixItems");
        Object rest = schema.get("items");
        if (first != null) {
            prefix = reader.nodes(first, at("prefixItems"));
        } else if (rest instanceof List<?>) { // as it was written before 2020-12
            prefix = reader.nodes(rest, at("items"));
            rest = schema.get("additionalItems");
        }
        if (rest != null) {
            items = reader.node(rest, at(schema.get("items") instanceof List<?> ? "additionalItems" : "items"));
        }
        List<Contains> contains = new ArrayList<>();
        Object wanted = schema.get("contains");
        if (wanted != null) {
            SchemaNode node = reader.node(wanted, at("contains"));
            SchemaNode not = node.parts().isEmpty()
                    ? reader.nothing()
                    : SchemaNode.not(node.parts().iterator().next().source());
            contains.add(new Contains(node, not, count("minContains", 1), count("maxContains", Expr.UNBOUNDED)));
        }
        return new ArrayShape(
                prefix,
                items,
                count("minItems", 0),
                count("maxItems", Expr.UNBOUNDED),
                Boolean.TRUE.equals(schema.get("uniqueItems")),
                contains);
    }

    private ObjectShape objects() {
        List<PatternNode> patterns = new ArrayList<>();
        Object byPattern = schema.get("patternProperties");
        if (byPattern != null) {
            reader.object(byPattern, at("patternProperties"))
                    .forEach((pattern, value) -> patterns.add(new PatternNode(
                            pattern(pattern, "patternProperties"),
                            reader.node(value, SchemaReader.child(at("patternProperties"), pattern)))));
        }
        Map<String, SchemaNode> properties = new LinkedHashMap<>();
        Object declared = schema.get("properties");
        if (declared != null) {
            reader.object(declared, at("properties")).forEach((name, value) -> {
                SchemaNode node = reader.node(value, SchemaReader.child(at("properties"), name));
                for (PatternNode pattern : patterns) {
                    if (reader.matches(pattern.names(), name)) {
                        node = node.and(pattern.node());
                    }
                }
                properties.put(name, node);
            });
        }
        Object additional = schema.get("additionalProperties");
        SchemaNode others = additional == null ? SchemaNode.ANY : reader.node(additional, at("additionalProperties"));
        Object required = schema.get("required");
        Set<String> needed =
                required == null ? Set.of() : new LinkedHashSet<>(reader.strings(required, at("required")));
        Object names = schema.get("propertyNames");
        return new ObjectShape(
                properties,
                patterns.isEmpty() && others.parts().isEmpty()
                        ? List.of()
                        : List.of(SchemaReader.layer(patterns, others)),
                needed,
                count("minProperties", 0),
                count("maxProperties", Expr.UNBOUNDED),
                names == null ? null : names(reader.node(names, at("propertyNames"))));
    }

    /** The strings that a schema allows, spelled as in JSON. */
    private Expr names(SchemaNode node) {
        Exprs exprs = reader.exprs();
        List<Expr> ways = new ArrayList<>();
        for (Shape shape : reader.shapes(node)) {
            StringShape strings = shape.strings();
            if (strings == null) {
                continue;
            }
            List<Object> values = shape.values();
            if (values == null) {
                ways.add(reader.content(strings));
            } else {
                Shape types = shape.withValues(null);
                ways.add(Characters.JSON.choices(
                        exprs,
                        values.stream()
                                .filter(value -> value instanceof String
                                        && reader.values().accepts(types, value))
                                .map(value -> (String) value)
                                .toList()));
            }
        }
        return exprs.alternative(ways);
    }

    private @Nullable String text(String keyword) {
        Object value = schema.get(keyword);
        if (value != null && !(value instanceof String)) {
            throw reader.malformed(at(keyword), "a string");
        }
        return (String) value;
    }

    private @Nullable BigDecimal number(String keyword) {
        Object value = schema.get(keyword);
        if (value != null && !(value instanceof BigDecimal)) {
            throw reader.malformed(at(keyword), "a number");
        }
        return (BigDecimal) value;
    }

    private int count(String keyword, int absent) {
        BigDecimal value = number(keyword);
        if (value == null) {
            return absent;
        }
        if (value.signum() < 0 || value.stripTrailingZeros().scale() > 0) {
            throw reader.malformed(at(keyword), "a whole number of 0 or more");
        }
        return value.compareTo(BigDecimal.valueOf(Expr.UNBOUNDED)) >= 0 ? Expr.UNBOUNDED : value.intValue();
    }
}
