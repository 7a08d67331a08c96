package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads grammars in GBNF, the notation of llama.cpp: rules {@code name ::= alternatives}, of which {@code root} is the whole
 * text; literals, classes, {@code .} for any character, groups, {@code * + ? {m} {m,} {m,n}}, comments after {@code #}. There
 * is no lexer: a text is matched character by character.
 */
final class GbnfParser {
    /** Groups within groups at the most: the parser calls itself. */
    private static final int MAX_DEPTH = 200;

    private final Exprs exprs;
    private final String text;
    private final Map<String, Rule> rules = new LinkedHashMap<>();
    private final Map<String, Integer> firstUse = new LinkedHashMap<>();
    private final Map<Rule, Expr> bodies = new LinkedHashMap<>();
    private int at;
    private int depth;

    private GbnfParser(Exprs exprs, String text) {
        this.exprs = exprs;
        this.text = text;
    }

    /**
     * The texts of a grammar.
     *
     * @throws ConstraintException if it is not well-formed; the message says in which line and column
     */
    static Expr parse(Exprs exprs, String text) {
        return new GbnfParser(exprs, text).parse();
    }

    private Expr parse() {
        skip(true);
        while (at < text.length()) {
            rule();
        }
        Rule root = rules.get("root");
        if (root == null || !bodies.containsKey(root)) {
            throw error("there is no rule named root", 0);
        }
        firstUse.forEach((name, position) -> {
            if (!bodies.containsKey(rules.get(name))) {
                throw error("there is no rule named " + name, position);
            }
        });
        return new RuleSet(exprs, bodies).resolve(root);
    }

    private void rule() {
        int start = at;
        String name = name();
        if (name.isEmpty()) {
            throw error("the name of a rule is expected", start);
        }
        skip(false);
        if (!text.startsWith("::=", at)) {
            throw error("::= is expected after the name of the rule " + name, at);
        }
        at += 3;
        skip(true);
        Rule rule = rules.computeIfAbsent(name, Rule::new);
        if (bodies.containsKey(rule)) {
            throw error("the rule " + name + " is defined twice", start);
        }
        bodies.put(rule, alternatives(false));
        if (at < text.length() && text.charAt(at) != '\n' && text.charAt(at) != '\r') {
            throw error("the end of the rule is expected", at);
        }
        skip(true);
    }

    private Expr alternatives(boolean nested) {
        if (++depth > MAX_DEPTH) {
            throw error("groups are nested more than " + MAX_DEPTH + " deep", at);
        }
        List<Expr> ways = new ArrayList<>();
        ways.add(sequence(nested));
        while (peek() == '|') {
            at++;
            skip(true);
            ways.add(sequence(nested));
        }
        depth--;
        return exprs.alternative(ways);
    }

    private Expr sequence(boolean nested) {
        List<Expr> items = new ArrayList<>();
        while (true) {
            int start = at;
            int c = peek();
            Expr item;
            if (c == '"') {
                item = literal();
            } else if (c == '[') {
                item = Characters.PLAIN.spell(exprs, bracket());
            } else if (c == '.') {
                at++;
                item = Characters.PLAIN.spell(exprs, CodePointSet.ALL);
            } else if (c == '(') {
                at++;
                skip(true);
                item = alternatives(true);
                if (peek() != ')') {
                    throw error("this group is not closed", start);
                }
                at++;
            } else if (c == '<' || c == '!') {
                throw error("tokens as terminals are not supported", start);
            } else if (c == '*' || c == '+' || c == '?' || c == '{') {
                throw error("there is nothing to repeat", start);
            } else {
                String name = name();
                if (name.isEmpty()) {
                    break;
                }
                firstUse.putIfAbsent(name, start);
                item = exprs.call(rules.computeIfAbsent(name, Rule::new));
            }
            skip(nested);
            items.add(repeated(item, nested));
        }
        return exprs.concat(items.toArray(Expr[]::new));
    }

    private Expr repeated(Expr item, boolean nested) {
        Expr result = item;
        while (true) {
            int start = at;
            switch (peek()) {
                case '*' -> result = exprs.star(result);
                case '+' -> result = exprs.repeat(result, 1, Expr.UNBOUNDED);
                case '?' -> result = exprs.optional(result);
                case '{' -> {
                    at++;
                    skip(nested);
                    int min = number(start);
                    int max = min;
                    if (peek() == ',') {
                        at++;
                        skip(nested);
                        max = peek() == '}' ? Expr.UNBOUNDED : number(start);
                    }
                    if (peek() != '}') {
                        throw error("a repetition is written {2}, {2,} or {2,3}", start);
                    }
                    if (min > max) {
                        throw error("the least number " + min + " is more than the most, " + max, start);
                    }
                    result = exprs.repeat(result, min, max);
                }
                default -> {
                    return result;
                }
            }
            at++;
            skip(nested);
        }
    }

    private int number(int start) {
        int begin = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == begin || at - begin > 9) {
            throw error(at == begin ? "a number is expected" : "the number is too large", start);
        }
        int value = Integer.parseInt(text, begin, at, 10);
        skip(false);
        return value;
    }

    private Expr literal() {
        int start = at++;
        StringBuilder value = new StringBuilder();
        while (peek() != '"') {
            if (at >= text.length() || peek() == '\n') {
                throw error("this literal is not closed", start);
            }
            value.appendCodePoint(character());
        }
        at++;
        return exprs.literal(value.toString());
    }

    private CodePointSet bracket() {
        int start = at++;
        boolean negated = peek() == '^';
        at += negated ? 1 : 0;
        List<int[]> ranges = new ArrayList<>();
        while (peek() != ']') {
            if (at >= text.length()) {
                throw error("this class is not closed", start);
            }
            int item = at;
            int low = character();
            int high = low;
            if (peek() == '-' && at + 1 < text.length() && text.charAt(at + 1) != ']') {
                at++;
                high = character();
            }
            if (low > high) {
                throw error("the range ends before it begins", item);
            }
            ranges.add(new int[] {low, high});
        }
        at++;
        CodePointSet set = CodePointSet.ofRanges(ranges);
        return negated ? set.complement() : set;
    }

    /** A character of a literal or a class, escapes resolved. */
    private int character() {
        int start = at;
        int c = text.codePointAt(at);
        at += Character.charCount(c);
        if (c != '\\') {
            return c;
        }
        int escaped = peek();
        at++;
        return switch (escaped) {
            case 'n' -> '\n';
            case 'r' -> '\r';
            case 't' -> '\t';
            case '\\', '"', '[', ']', '-' -> escaped;
            case 'x' -> hex(2, start);
            case 'u' -> hex(4, start);
            case 'U' -> hex(8, start);
            default -> throw error("an unknown escape", start);
        };
    }

    private int hex(int digits, int start) {
        long value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = Character.digit(peek(), 16);
            if (digit < 0) {
                throw error(digits + " hexadecimal digits are expected", start);
            }
            value = 16 * value + digit;
            at++;
        }
        if (value > Character.MAX_CODE_POINT || value >= Character.MIN_SURROGATE && value <= Character.MAX_SURROGATE) {
            throw error("this is no character", start);
        }
        return (int) value;
    }

    private String name() {
        int start = at;
        while (at < text.length() && isNamePart(text.charAt(at))) {
            at++;
        }
        return text.substring(start, at);
    }

    private static boolean isNamePart(char c) {
        return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_';
    }

    /** Passes over blanks and comments, and over ends of lines where they mean nothing. */
    private void skip(boolean lines) {
        while (at < text.length()) {
            char c = text.charAt(at);
            if (c == '#') {
                while (at < text.length() && text.charAt(at) != '\n') {
                    at++;
                }
            } else if (c == ' ' || c == '\t' || lines && (c == '\n' || c == '\r')) {
                at++;
            } else {
                return;
            }
        }
    }

    /** The next character, -1 at the end. */
    private int peek() {
        return at < text.length() ? text.charAt(at) : -1;
    }

    private ConstraintException error(String what, int position) {
        int line = 1;
        int column = 1;
        for (int i = 0; i < position && i < text.length(); i++) {
            boolean end = text.charAt(i) == '\n';
            line += end ? 1 : 0;
            column = end ? 1 : column + 1;
        }
        return new ConstraintException("the grammar is refused at line " + line + ", column " + column + ": " + what);
    }
}
