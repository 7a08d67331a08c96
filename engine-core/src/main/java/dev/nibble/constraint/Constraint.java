package dev.nibble.constraint;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
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
    private final Exprs exprs;
    private final Position start;
    private final Rule rule = new Rule("part");

    private Constraint(String description, Expr expr) {
        if (expr.isNothing()) {
            throw new ConstraintException("no text can satisfy " + description);
        }
        this.description = description;
        exprs = expr.exprs();
        start = Position.start(expr);
        rule.define(expr);
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

    /** Exactly this text. */
    public static Constraint text(String text) {
        return new Constraint("the text " + text, new Exprs().literal(Objects.requireNonNull(text, "text")));
    }

    /** This text, or the one control token that is written so, as {@code <think>} may be either. */
    public static Constraint mark(String text) {
        return new Constraint("the mark " + text, FreeTexts.mark(new Exprs(), Objects.requireNonNull(text, "text")));
    }

    /**
     * Any text, and any control tokens, in which none of these marks occurs.
     *
     * @throws IllegalArgumentException if a mark is empty
     */
    public static Constraint without(List<String> marks) {
        return without(marks, "");
    }

    /** As {@link #without(List)}, and its first character, white space aside, is none of {@code first}. */
    public static Constraint without(List<String> marks, String first) {
        return new Constraint("text without " + marks, FreeTexts.without(marks, first));
    }

    /**
     * Any text, and any control tokens, up to a mark and with it, in which none of the marks occurs before.
     *
     * @param marks all that may not occur; {@code end} need not be among them
     * @throws IllegalArgumentException if a mark is empty
     */
    public static Constraint upTo(String end, List<String> marks) {
        return new Constraint("text up to " + end, FreeTexts.upTo(end, marks));
    }

    /**
     * A string that a JSON schema allows, without quotes and escapes, up to a mark and with it. Of strings with a pattern or a
     * format, only those without quotes, backslashes and controls.
     *
     * @throws ConstraintException as {@link #jsonSchema}, or if the schema allows no string
     */
    public static Constraint unquoted(String schema, String end) {
        Object value = JsonSchema.read(schema, "the schema");
        return new Constraint("a string of the JSON schema", UnquotedStrings.of(new Exprs(), value, end));
    }

    /** The texts of all of them, one after the other. */
    public static Constraint sequence(Constraint... parts) {
        Exprs exprs = new Exprs();
        Expr[] calls = Arrays.stream(parts).map(part -> part.call(exprs)).toArray(Expr[]::new);
        return new Constraint("a sequence", exprs.concat(calls));
    }

    /**
     * A text of one of them.
     *
     * @throws IllegalArgumentException if there is none
     */
    public static Constraint anyOf(List<Constraint> parts) {
        if (parts.isEmpty()) {
            throw new IllegalArgumentException("there must be something to choose from");
        }
        Exprs exprs = new Exprs();
        return new Constraint(
                "one of several",
                exprs.alternative(parts.stream().map(part -> part.call(exprs)).toList()));
    }

    /**
     * A text of this one, or none.
     */
    public Constraint optional() {
        Exprs whole = new Exprs();
        return new Constraint(description + " or nothing", whole.optional(call(whole)));
    }

    /** Any number of texts of this one, none too. */
    public Constraint repeated() {
        Exprs whole = new Exprs();
        return new Constraint(description + " any number of times", whole.star(call(whole)));
    }

    /** This constraint as a part of another one. */
    private Expr call(Exprs caller) {
        return caller.call(rule);
    }

    /**
     * A matcher at the beginning of a text, for loops of one's own; a generation is given the constraint itself.
     *
     * @param masks those of the vocabulary whose tokens the text is made of
     */
    public Matcher matcher(TokenMasks masks) {
        MaskCache cache = exprs.masks(Objects.requireNonNull(masks, "masks"));
        return cache.walkState(start).matcher(masks, cache);
    }

    @Override
    public String toString() {
        return description;
    }
}
