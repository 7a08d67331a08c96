package dev.nibble.constraint;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Objects;

/**
 * What a generated text has to look like, compiled once and used by any number of generations. Immutable and thread-safe.
 *
 * <p>A constraint is kept to the letter or refused: what cannot be enforced is a {@link ConstraintException}, never a weaker
 * constraint.
 */
public final class Constraint {
    private final String description;
    private final Expr expr;

    private Constraint(String description, Expr expr) {
        if (expr.isNothing()) {
            throw new ConstraintException("no text can satisfy " + description);
        }
        this.description = description;
        this.expr = expr;
    }

    /**
     * JSON that satisfies a schema: members in the order in which the schema declares them, then undeclared ones; no white
     * space but one space, if the model wants it, after a comma or a colon. The schema is one of JSON Schema 2020-12; drafts 7
     * and 2019-09 where they agree. Formats are enforced.
     *
     * @throws ConstraintException if the schema is not well-formed, no value satisfies it, or it has a keyword that cannot be
     *     enforced; the message names the keyword and its place
     */
    public static Constraint jsonSchema(String schema) {
        Object value = JsonSchema.read(schema, "the schema");
        return new Constraint("the JSON schema", SchemaCompiler.compile(new Exprs(), value, true));
    }

    /** Any JSON object. */
    public static Constraint jsonObject() {
        return jsonSchema("{\"type\": \"object\"}");
    }

    /**
     * The texts of a grammar in GBNF.
     *
     * @throws ConstraintException if the grammar is not well-formed, begins a rule with itself, or no text satisfies it
     */
    public static Constraint grammar(String gbnf) {
        return new Constraint("the grammar", GbnfParser.parse(new Exprs(), Objects.requireNonNull(gbnf, "gbnf")));
    }

    /**
     * The texts that match a regular expression as a whole: ECMA-262 with the flag u, without look-around, back-references
     * and word boundaries.
     *
     * @throws ConstraintException if it is not well-formed or asks for these
     */
    public static Constraint regex(String pattern) {
        Expr expr = RegexParser.whole(new Exprs(), Characters.PLAIN, Objects.requireNonNull(pattern, "pattern"));
        return new Constraint("the regular expression " + pattern, expr);
    }

    /**
     * One of the texts.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Constraint choices(List<String> texts) {
        if (texts.isEmpty()) {
            throw new IllegalArgumentException("choices must not be empty");
        }
        List<byte[]> bytes = texts.stream()
                .map(text -> text.getBytes(StandardCharsets.UTF_8))
                .toList();
        return new Constraint("the choices", new Exprs().choices(bytes));
    }

    /** A matcher at the beginning of a text. */
    Matcher matcher(TokenMasks masks) {
        return new Matcher(masks, Position.start(expr));
    }

    @Override
    public String toString() {
        return description;
    }
}
