package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Reads regular expressions of ECMA-262 with the flag u. Groups do not capture and lazy quantifiers are as greedy ones:
 * what matters is which texts match as a whole. Look-around, back-references and word boundaries are refused.
 */
final class RegexParser {
    /** Groups within groups at the most: the parser calls itself. */
    private static final int MAX_DEPTH = 200;

    /** A way to match: what is matched, and whether that must be at the beginning or the end of the text. */
    private record Branch(boolean atStart, Expr expr, boolean atEnd) {}

    private final Exprs exprs;
    private final Characters spelling;
    private final String pattern;
    private int at;
    private int depth;

    private RegexParser(Exprs exprs, Characters spelling, String pattern) {
        this.exprs = exprs;
        this.spelling = spelling;
        this.pattern = pattern;
    }

    /**
     * The texts that match as a whole.
     *
     * @throws ConstraintException if the pattern is not well-formed or needs what is not supported
     */
    static Expr whole(Exprs exprs, Characters spelling, String pattern) {
        RegexParser parser = new RegexParser(exprs, spelling, pattern);
        List<Expr> ways = new ArrayList<>();
        for (Branch branch : parser.parse()) {
            ways.add(branch.expr);
        }
        return exprs.alternative(ways);
    }

    /**
     * The texts in which something matches, as the keyword {@code pattern} of JSON Schema asks.
     *
     * @throws ConstraintException as {@link #whole}
     */
    static Expr search(Exprs exprs, Characters spelling, String pattern) {
        RegexParser parser = new RegexParser(exprs, spelling, pattern);
        Expr any = exprs.star(spelling.spell(exprs, CodePointSet.ALL));
        List<Expr> ways = new ArrayList<>();
        for (Branch branch : parser.parse()) {
            ways.add(exprs.concat(branch.atStart ? exprs.empty : any, branch.expr, branch.atEnd ? exprs.empty : any));
        }
        return exprs.alternative(ways);
    }

    private List<Branch> parse() {
        List<Branch> branches = disjunction();
        if (at < pattern.length()) {
            throw error("there is no group that this closes", at);
        }
        return branches;
    }

    private List<Branch> disjunction() {
        if (++depth > MAX_DEPTH) {
            throw error("groups are nested more than " + MAX_DEPTH + " deep", at);
        }
        List<Branch> branches = new ArrayList<>(sequence());
        while (peek() == '|') {
            at++;
            branches.addAll(sequence());
        }
        depth--;
        return joined(branches);
    }

    /** Ways with the same anchors as one. */
    private List<Branch> joined(List<Branch> branches) {
        List<Branch> joined = new ArrayList<>();
        for (int anchors = 0; anchors < 4; anchors++) {
            boolean start = (anchors & 1) != 0;
            boolean end = (anchors & 2) != 0;
            List<Expr> ways = branches.stream()
                    .filter(branch -> branch.atStart == start && branch.atEnd == end)
                    .map(Branch::expr)
                    .toList();
            if (!ways.isEmpty()) {
                joined.add(new Branch(start, exprs.alternative(ways), end));
            }
        }
        return joined;
    }

    private List<Branch> sequence() {
        List<List<Branch>> terms = new ArrayList<>();
        while (at < pattern.length() && peek() != '|' && peek() != ')') {
            terms.add(term());
        }
        List<Branch> result = List.of(new Branch(false, exprs.empty, false));
        for (List<Branch> term : terms.reversed()) {
            List<Branch> longer = new ArrayList<>();
            for (Branch first : term) {
                for (Branch second : result) {
                    Branch both = followed(first, second);
                    if (both != null) {
                        longer.add(both);
                    }
                }
            }
            result = joined(longer);
        }
        return result;
    }

    /** One after the other; null if an anchor between them lets nothing match. */
    private @Nullable Branch followed(Branch first, Branch second) {
        Expr before = first.expr;
        Expr after = second.expr;
        if (first.atEnd) {
            if (!after.nullable) {
                return null;
            }
            after = exprs.empty;
        }
        if (second.atStart) {
            if (!before.nullable) {
                return null;
            }
            before = exprs.empty;
        }
        return new Branch(first.atStart || second.atStart, exprs.concat(before, after), first.atEnd || second.atEnd);
    }

    private List<Branch> term() {
        int start = at;
        int c = pattern.codePointAt(at);
        return switch (c) {
            case '^', '$' -> {
                at++;
                yield List.of(new Branch(c == '^', exprs.empty, c == '$'));
            }
            case '*', '+', '?' -> throw error("there is nothing to repeat", start);
            case ']', '{', '}' -> throw error("a single " + Character.toString(c) + " has to be escaped", start);
            case '(' -> quantified(group(), start);
            default -> quantified(List.of(new Branch(false, spelling.spell(exprs, atom(c)), false)), start);
        };
    }

    private CodePointSet atom(int c) {
        at += Character.charCount(c);
        return switch (c) {
            case '.' -> CharacterClasses.DOT;
            case '[' -> bracket();
            case '\\' -> escape(false);
            default -> CodePointSet.of(c);
        };
    }

    private List<Branch> group() {
        int start = at++;
        if (peek() == '?') {
            if (pattern.startsWith("?:", at)) {
                at += 2;
            } else if (pattern.startsWith("?=", at) || pattern.startsWith("?!", at)) {
                throw error("look-ahead is not supported", start);
            } else if (pattern.startsWith("?<=", at) || pattern.startsWith("?<!", at)) {
                throw error("look-behind is not supported", start);
            } else if (pattern.startsWith("?<", at) && pattern.indexOf('>', at) > at + 2) {
                at = pattern.indexOf('>', at) + 1;
            } else {
                throw error("an unknown kind of group", start);
            }
        }
        List<Branch> branches = disjunction();
        if (peek() != ')') {
            throw error("this group is not closed", start);
        }
        at++;
        return branches;
    }

    private List<Branch> quantified(List<Branch> branches, int start) {
        int min;
        int max;
        switch (peek()) {
            case '*' -> {
                min = 0;
                max = Expr.UNBOUNDED;
                at++;
            }
            case '+' -> {
                min = 1;
                max = Expr.UNBOUNDED;
                at++;
            }
            case '?' -> {
                min = 0;
                max = 1;
                at++;
            }
            case '{' -> {
                int open = at++;
                min = number();
                max = min;
                if (peek() == ',') {
                    at++;
                    max = peek() == '}' ? Expr.UNBOUNDED : number();
                }
                if (peek() != '}') {
                    throw error("a quantifier is written {2}, {2,} or {2,3}", open);
                }
                at++;
                if (min > max) {
                    throw error("the least number " + min + " is more than the most, " + max, open);
                }
            }
            default -> {
                return branches;
            }
        }
        if (peek() == '?') {
            at++;
        }
        if ("*+?{".indexOf(peek()) >= 0) {
            throw error("there is nothing to repeat", at);
        }
        boolean anchored = branches.stream().anyMatch(branch -> branch.atStart || branch.atEnd);
        if (!anchored) {
            Expr all = exprs.alternative(branches.stream().map(Branch::expr).toList());
            return List.of(new Branch(false, exprs.repeat(all, min, max), false));
        }
        if (min == 1 && max == 1) {
            return branches;
        }
        if (min == 0 && max == 1) {
            List<Branch> optional = new ArrayList<>(branches);
            optional.add(new Branch(false, exprs.empty, false));
            return joined(optional);
        }
        throw error("^ and $ within a repetition are not supported", start);
    }

    private int number() {
        int start = at;
        while (peek() >= '0' && peek() <= '9') {
            at++;
        }
        if (at == start || at - start > 9) {
            throw error(at == start ? "a number is expected" : "the number is too large", start);
        }
        return Integer.parseInt(pattern, start, at, 10);
    }

    /** A class in brackets, after the opening one. */
    private CodePointSet bracket() {
        int start = at - 1;
        boolean negated = peek() == '^';
        at += negated ? 1 : 0;
        List<int[]> ranges = new ArrayList<>();
        while (peek() != ']') {
            int item = at;
            CodePointSet low = classAtom(start);
            if (peek() == '-' && at + 1 < pattern.length() && pattern.charAt(at + 1) != ']') {
                at++;
                CodePointSet high = classAtom(start);
                int from = single(low, item);
                int to = single(high, item);
                if (from > to) {
                    throw error("the range ends before it begins", item);
                }
                ranges.add(new int[] {from, to});
            } else {
                ranges.addAll(low.ranges());
            }
        }
        at++;
        CodePointSet set = CodePointSet.ofRanges(ranges);
        return negated ? set.complement() : set;
    }

    private CodePointSet classAtom(int start) {
        if (at >= pattern.length()) {
            throw error("this class is not closed", start);
        }
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        return c == '\\' ? escape(true) : CodePointSet.of(c);
    }

    private int single(CodePointSet set, int position) {
        List<int[]> ranges = set.ranges();
        if (ranges.size() != 1 || ranges.getFirst()[0] != ranges.getFirst()[1]) {
            throw error("a range runs from one character to another", position);
        }
        return ranges.getFirst()[0];
    }

    /** What follows a backslash. */
    private CodePointSet escape(boolean inClass) {
        int start = at - 1;
        if (at >= pattern.length()) {
            throw error("nothing follows the backslash", start);
        }
        int c = pattern.codePointAt(at);
        at += Character.charCount(c);
        return switch (c) {
            case 'd' -> CharacterClasses.DIGIT;
            case 'D' -> CharacterClasses.DIGIT.complement();
            case 'w' -> CharacterClasses.WORD;
            case 'W' -> CharacterClasses.WORD.complement();
            case 's' -> CharacterClasses.SPACE;
            case 'S' -> CharacterClasses.SPACE.complement();
            case 'p' -> property(start);
            case 'P' -> property(start).complement();
            case 'n' -> CodePointSet.of('\n');
            case 'r' -> CodePointSet.of('\r');
            case 't' -> CodePointSet.of('\t');
            case 'f' -> CodePointSet.of('\f');
            case 'v' -> CodePointSet.of(0x0B);
            case 'x' -> CodePointSet.of(hex(2, start));
            case 'u' -> CodePointSet.of(unicode(start));
            case 'c' -> {
                int letter = peek() & ~0x20;
                if (letter < 'A' || letter > 'Z') {
                    throw error("\\c is followed by a letter", start);
                }
                at++;
                yield CodePointSet.of(letter % 32);
            }
            case '0' -> {
                if (peek() >= '0' && peek() <= '9') {
                    throw error("octal escapes are not supported", start);
                }
                yield CodePointSet.of(0);
            }
            case 'b' -> {
                if (!inClass) {
                    throw error("word boundaries are not supported", start);
                }
                yield CodePointSet.of('\b');
            }
            case 'B' -> throw error("word boundaries are not supported", start);
            default -> {
                if (c >= '1' && c <= '9' || c == 'k') {
                    throw error("back-references are not supported", start);
                }
                if (c > 0x7F || Character.isLetterOrDigit(c)) {
                    throw error("an unknown escape", start);
                }
                yield CodePointSet.of(c);
            }
        };
    }

    private CodePointSet property(int start) {
        int close = pattern.indexOf('}', at);
        if (peek() != '{' || close < 0) {
            throw error("a property is written \\p{Name}", start);
        }
        CodePointSet set = CharacterClasses.property(pattern.substring(at + 1, close));
        if (set == null) {
            throw error("an unknown property " + pattern.substring(start, close + 1), start);
        }
        at = close + 1;
        return set;
    }

    private int unicode(int start) {
        if (peek() == '{') {
            int close = pattern.indexOf('}', at);
            if (close < 0 || close - at > 7) {
                throw error("a code point is written \\u{1F642}", start);
            }
            at++;
            int value = hex(close - at, start);
            at++;
            if (value > Character.MAX_CODE_POINT) {
                throw error("there is no such code point", start);
            }
            return value;
        }
        int high = hex(4, start);
        if (Character.isHighSurrogate((char) high) && pattern.startsWith("\\u", at)) {
            int resume = at;
            at += 2;
            int low = hex(4, start);
            if (Character.isLowSurrogate((char) low)) {
                return Character.toCodePoint((char) high, (char) low);
            }
            at = resume;
        }
        return high;
    }

    private int hex(int digits, int start) {
        int value = 0;
        for (int i = 0; i < digits; i++) {
            int digit = at < pattern.length() ? Character.digit(pattern.charAt(at), 16) : -1;
            if (digit < 0) {
                throw error(digits + " hexadecimal digits are expected", start);
            }
            value = 16 * value + digit;
            at++;
        }
        return value;
    }

    /** The next character, -1 at the end. */
    private int peek() {
        return at < pattern.length() ? pattern.charAt(at) : -1;
    }

    private ConstraintException error(String what, int position) {
        return new ConstraintException(
                "the regular expression " + pattern + " is refused at character " + (position + 1) + ": " + what);
    }
}
