package dev.nibble.constraint;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** Strings that a schema allows, written without quotes and escapes, up to a mark that ends them. */
final class UnquotedStrings {
    private static final int MAX_STATES = 50_000;

    private final Exprs exprs;
    private final SchemaReader reader;
    private final String mark;

    private UnquotedStrings(Exprs exprs, Object schema, String mark) {
        this.exprs = exprs;
        this.mark = mark;
        reader = new SchemaReader(exprs, schema);
    }

    /** The strings, each with the mark behind it; nothing if the schema allows no string. */
    static Expr of(Exprs exprs, Object schema, String mark) {
        UnquotedStrings strings = new UnquotedStrings(exprs, schema, mark);
        List<Expr> ways = new ArrayList<>();
        for (Shape shape : strings.reader.shapes(strings.reader.root())) {
            ways.add(strings.of(shape));
        }
        return exprs.alternative(ways);
    }

    private Expr of(Shape shape) {
        StringShape strings = shape.strings();
        if (shape.values() != null) {
            List<byte[]> values = new ArrayList<>();
            Shape types = shape.withValues(null);
            for (Object value : shape.values()) {
                if (value instanceof String text
                        && !text.contains(mark)
                        && reader.values().accepts(types, value)) {
                    values.add(text.getBytes(StandardCharsets.UTF_8));
                }
            }
            return values.isEmpty() ? exprs.nothing : ended(exprs.choices(values));
        }
        if (strings == null || strings.min() > strings.max()) {
            return exprs.nothing;
        }
        if (strings.equals(StringShape.ANY)) {
            return FreeTexts.upTo(mark, List.of());
        }
        Expr texts;
        if (strings.language() == null) {
            texts = exprs.repeat(Characters.PLAIN.spell(exprs, CodePointSet.ALL), strings.min(), strings.max());
        } else {
            // The language is spelled as in JSON: of it, what is spelled the same without quotes.
            CodePointSet same = CodePointSet.range(0x20, Character.MAX_CODE_POINT)
                    .minus(CodePointSet.of('"').or(CodePointSet.of('\\')));
            texts = exprs.and(reader.content(strings), exprs.star(Characters.PLAIN.spell(exprs, same)));
        }
        Expr others = FreeTexts.without(List.of(mark), "");
        return ended(Automaton.determine(exprs, exprs.and(texts, others), MAX_STATES));
    }

    private Expr ended(Expr strings) {
        return exprs.concat(strings, FreeTexts.mark(exprs, mark));
    }
}
