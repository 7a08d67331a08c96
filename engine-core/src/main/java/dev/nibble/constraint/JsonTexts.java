package dev.nibble.constraint;

import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Texts of JSON that many schemas share: strings, numbers, any value. Made once, so that what is found out about them for a
 * vocabulary serves all constraints.
 */
final class JsonTexts {
    /** Kinds of strings and of numbers kept at the most; those beyond are made for each constraint. */
    private static final int MAX_SHAPES = 500;
    // What all share is never dropped, so that only small things are shared: the number of expressions has a limit.
    private static final int MAX_SHARED_DIGITS = 12;
    private static final int MAX_SHARED_LENGTH = 100;

    private static final Exprs SHARED = new Exprs();
    private static final JsonTexts COMPACT = new JsonTexts(false);
    private static final JsonTexts SPACED = new JsonTexts(true);
    private static final Map<StringShape, Rule> STRINGS = new ConcurrentHashMap<>();
    private static final Map<NumberShape, Rule> NUMBERS = new ConcurrentHashMap<>();

    private final boolean spaced;
    private final Rule value = new Rule("value");
    private final Rule object = new Rule("object");
    private final Rule array = new Rule("array");

    private JsonTexts(boolean spaced) {
        this.spaced = spaced;
    }

    /** The texts, with one space allowed after each comma and colon, or without any. */
    static JsonTexts of(boolean spaced) {
        JsonTexts texts = spaced ? SPACED : COMPACT;
        synchronized (texts) {
            if (!texts.value.isDefined()) {
                texts.define();
            }
        }
        return texts;
    }

    private static Rule shared(String name, Expr body) {
        Rule rule = new Rule(name);
        rule.define(body);
        return rule;
    }

    private void define() {
        Exprs exprs = SHARED;
        Expr member = exprs.concat(string(exprs, StringShape.ANY), colon(exprs), exprs.call(value));
        object.define(exprs.concat(exprs.literal("{"), list(exprs, member), exprs.literal("}")));
        array.define(exprs.concat(exprs.literal("["), list(exprs, exprs.call(value)), exprs.literal("]")));
        value.define(exprs.alternative(
                exprs.literal("null"),
                exprs.literal("true"),
                exprs.literal("false"),
                number(exprs, NumberShape.ANY),
                string(exprs, StringShape.ANY),
                exprs.call(array),
                exprs.call(object)));
    }

    private Expr list(Exprs exprs, Expr item) {
        return exprs.optional(exprs.concat(item, exprs.star(exprs.concat(comma(exprs), item))));
    }

    /** The expressions that all constraints share. */
    Exprs exprs() {
        return SHARED;
    }

    /** Any object. */
    Expr object(Exprs exprs) {
        return exprs.call(object);
    }

    /** Any array. */
    Expr array(Exprs exprs) {
        return exprs.call(array);
    }

    /** Any value. */
    Expr value(Exprs exprs) {
        return exprs.call(value);
    }

    /** What separates two members or items. */
    Expr comma(Exprs exprs) {
        return spaced ? exprs.concat(exprs.literal(","), exprs.optional(exprs.literal(" "))) : exprs.literal(",");
    }

    /** What separates a name from its value. */
    Expr colon(Exprs exprs) {
        return spaced ? exprs.concat(exprs.literal(":"), exprs.optional(exprs.literal(" "))) : exprs.literal(":");
    }

    /** The numbers of a shape; nothing, if there is none. */
    static Expr number(Exprs exprs, NumberShape shape) {
        Rule rule = NUMBERS.get(shape);
        if (rule == null) {
            if (NUMBERS.size() >= MAX_SHAPES || !isSmall(shape)) {
                return new NumberTexts(exprs).texts(shape);
            }
            Expr body = new NumberTexts(SHARED).texts(shape);
            if (body.isNothing()) {
                return exprs.nothing;
            }
            rule = NUMBERS.computeIfAbsent(shape, key -> shared("number", body));
        }
        return exprs.call(rule);
    }

    private static boolean isSmall(NumberShape shape) {
        return shape.multiples().isEmpty() && isSmall(shape.low()) && isSmall(shape.high());
    }

    private static boolean isSmall(@Nullable BigDecimal bound) {
        return bound == null || bound.precision() + Math.abs((long) bound.scale()) <= MAX_SHARED_DIGITS;
    }

    private static boolean isSmall(int length) {
        return length <= MAX_SHARED_LENGTH || length == Expr.UNBOUNDED;
    }

    /** The strings of a shape without a language, quotes included. */
    static Expr string(Exprs exprs, StringShape shape) {
        Rule rule = STRINGS.get(shape);
        if (rule == null) {
            if (STRINGS.size() >= MAX_SHAPES || !isSmall(shape.min()) || !isSmall(shape.max())) {
                return quoted(exprs, shape);
            }
            rule = STRINGS.computeIfAbsent(
                    shape, key -> shared("string " + key.min() + " to " + key.max(), quoted(SHARED, key)));
        }
        return exprs.call(rule);
    }

    private static Expr quoted(Exprs exprs, StringShape shape) {
        Expr any = Characters.JSON.spell(exprs, CodePointSet.ALL);
        return exprs.concat(exprs.literal("\""), exprs.repeat(any, shape.min(), shape.max()), exprs.literal("\""));
    }

    /** A name or string, quotes included. */
    static Expr quoted(Exprs exprs, String text) {
        return exprs.concat(exprs.literal("\""), Characters.JSON.literal(exprs, text), exprs.literal("\""));
    }

    /** One of the values, each as {@link #literal} writes it. */
    Expr choices(Exprs exprs, List<Object> values) {
        List<String> strings = new ArrayList<>();
        List<byte[]> scalars = new ArrayList<>();
        List<Expr> ways = new ArrayList<>();
        for (Object value : values) {
            switch (value) {
                case String text -> strings.add(text);
                case BigDecimal number -> {
                    scalars.add(plain(number).getBytes(StandardCharsets.US_ASCII));
                    scalars.add(number.toPlainString().getBytes(StandardCharsets.US_ASCII));
                }
                case List<?> list -> ways.add(literal(exprs, list));
                case Map<?, ?> map -> ways.add(literal(exprs, map));
                default -> scalars.add(value.toString().getBytes(StandardCharsets.US_ASCII));
            }
        }
        if (!strings.isEmpty()) {
            Expr content = Characters.JSON.choices(exprs, strings);
            ways.add(exprs.concat(exprs.literal("\""), content, exprs.literal("\"")));
        }
        if (!scalars.isEmpty()) {
            ways.add(exprs.choices(scalars));
        }
        return exprs.alternative(ways);
    }

    private static String plain(BigDecimal number) {
        return number.signum() == 0 ? "0" : number.stripTrailingZeros().toPlainString();
    }

    /** Exactly this value; an integer as digits, or with zeros behind a point as it was written. */
    Expr literal(Exprs exprs, Object value) {
        return switch (value) {
            case String text -> quoted(exprs, text);
            case BigDecimal number ->
                exprs.alternative(exprs.literal(plain(number)), exprs.literal(number.toPlainString()));
            case List<?> list -> {
                List<Expr> parts = new ArrayList<>();
                for (Object item : list) {
                    parts.add(parts.isEmpty() ? exprs.empty : comma(exprs));
                    parts.add(literal(exprs, item));
                }
                yield exprs.concat(exprs.literal("["), exprs.concat(parts.toArray(Expr[]::new)), exprs.literal("]"));
            }
            case Map<?, ?> map -> {
                List<Expr> parts = new ArrayList<>();
                map.forEach((name, member) -> {
                    parts.add(parts.isEmpty() ? exprs.empty : comma(exprs));
                    parts.add(quoted(exprs, (String) name));
                    parts.add(colon(exprs));
                    parts.add(literal(exprs, member));
                });
                yield exprs.concat(exprs.literal("{"), exprs.concat(parts.toArray(Expr[]::new)), exprs.literal("}"));
            }
            default -> exprs.literal(value.toString());
        };
    }
}
