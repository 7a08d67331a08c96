package dev.nibble.constraint;

import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Texts of JSON that many schemas share: strings, numbers, any value. Made once, so that what is found out about them for a
 * vocabulary serves all constraints.
 */
final class JsonTexts {
    /** Kinds of strings and of numbers kept at the most; those beyond are made for each constraint. */
    private static final int MAX_SHAPES = 500;

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
            if (NUMBERS.size() >= MAX_SHAPES) {
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

    /** The strings of a shape without a language, quotes included. */
    static Expr string(Exprs exprs, StringShape shape) {
        Rule rule = STRINGS.get(shape);
        if (rule == null) {
            if (STRINGS.size() >= MAX_SHAPES) {
                return quoted(exprs, shape);
            }
            rule = STRINGS.computeIfAbsent(shape, key -> shared("string " + key.min() + " to " + key.max(), quoted(SHARED, key)));
        }
        return exprs.call(rule);
    }

    private static Expr quoted(Exprs exprs, StringShape shape) {
        Expr any = Characters.JSON.spell(exprs, CodePointSet.ALL);
        return exprs.concat(
                exprs.literal("\""), exprs.repeat(any, shape.min(), shape.max()), exprs.literal("\""));
    }

    /** A name or string, quotes included. */
    static Expr quoted(Exprs exprs, String text) {
        return exprs.concat(exprs.literal("\""), Characters.JSON.literal(exprs, text), exprs.literal("\""));
    }

    /** Exactly this value; an integer as digits, or with zeros behind a point as it was written. */
    Expr literal(Exprs exprs, Object value) {
        return switch (value) {
            case String text -> quoted(exprs, text);
            case BigDecimal number -> {
                BigDecimal stripped = number.signum() == 0 ? BigDecimal.ZERO : number.stripTrailingZeros();
                yield exprs.alternative(
                        exprs.literal(stripped.toPlainString()), exprs.literal(number.toPlainString()));
            }
            case List<?> list -> {
                List<Expr> parts = new ArrayList<>();
                for (Object item : list) {
                    parts.add(parts.isEmpty() ? exprs.empty : comma(exprs));
                    parts.add(literal(exprs, item));
                }
                yield exprs.concat(
                        exprs.literal("["), exprs.concat(parts.toArray(Expr[]::new)), exprs.literal("]"));
            }
            case Map<?, ?> map -> {
                List<Expr> parts = new ArrayList<>();
                map.forEach((name, member) -> {
                    parts.add(parts.isEmpty() ? exprs.empty : comma(exprs));
                    parts.add(quoted(exprs, (String) name));
                    parts.add(colon(exprs));
                    parts.add(literal(exprs, member));
                });
                yield exprs.concat(
                        exprs.literal("{"), exprs.concat(parts.toArray(Expr[]::new)), exprs.literal("}"));
            }
            default -> exprs.literal(value.toString());
        };
    }
}
