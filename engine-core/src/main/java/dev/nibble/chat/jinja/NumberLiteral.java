package dev.nibble.chat.jinja;

import java.math.BigInteger;

/** The shapes a number may have in a template, and the reading of text as a number. */
final class NumberLiteral {
    /** Python refuses to read longer integers too. */
    static final int MAX_DIGITS = 4_300;

    private NumberLiteral() {}

    /** The end of {@code 1.5}, {@code 1e5} or {@code 1.5e-5} at {@code from}, or {@code from} when there is no float. */
    static int endOfReal(String source, int from) {
        int whole = digits(source, from, 10);
        int end = whole;
        if (end > from && end < source.length() && source.charAt(end) == '.') {
            int fraction = digits(source, end + 1, 10);
            end = fraction > end + 1 ? fraction : end;
        }
        if (end < source.length() && (source.charAt(end) | 0x20) == 'e') {
            int sign = end + 1;
            if (sign < source.length() && (source.charAt(sign) == '+' || source.charAt(sign) == '-')) {
                sign++;
            }
            int exponent = digits(source, sign, 10);
            if (exponent > sign) {
                return exponent;
            }
        }
        return end > whole ? end : from;
    }

    /** The end of a decimal, hexadecimal, octal or binary integer at {@code from}. */
    static int endOfInteger(String source, int from) {
        if (source.charAt(from) == '0') {
            int radix = from + 1 < source.length() ? radix(source.charAt(from + 1)) : 10;
            if (radix != 10) {
                int start = from + 2;
                if (start < source.length() && source.charAt(start) == '_') {
                    start++;
                }
                int end = digits(source, start, radix);
                return end > start ? end : from + 1;
            }
            int end = from + 1;
            while (end < source.length() && (source.charAt(end) == '0' || source.charAt(end) == '_')) {
                end++;
            }
            return source.charAt(end - 1) == '_' ? end - 1 : end;
        }
        return digits(source, from, 10);
    }

    private static int radix(char letter) {
        return switch (letter | 0x20) {
            case 'x' -> 16;
            case 'o' -> 8;
            case 'b' -> 2;
            default -> 10;
        };
    }

    private static int digits(String source, int from, int radix) {
        int end = from;
        while (end < source.length()) {
            char c = source.charAt(end);
            boolean joins =
                    c == '_' && end > from && end + 1 < source.length() && isDigit(source.charAt(end + 1), radix);
            if (!joins && !isDigit(c, radix)) {
                break;
            }
            end++;
        }
        return end;
    }

    private static boolean isDigit(char c, int radix) {
        return c < 0x80 && Character.digit(c, radix) >= 0;
    }

    /** Reads what {@link #endOfInteger} found, without its underscores. */
    static BigInteger integer(String literal) {
        if (literal.length() > MAX_DIGITS) {
            throw new TemplateError("the integer has more than " + MAX_DIGITS + " digits");
        }
        int radix = literal.length() > 2 && literal.charAt(0) == '0' ? radix(literal.charAt(1)) : 10;
        return radix == 10 ? new BigInteger(literal) : new BigInteger(literal.substring(2), radix);
    }

    /** Reads text as {@code int(text, base)} does; null when it is not an integer. */
    static @org.jspecify.annotations.Nullable BigInteger parseInteger(String text, int base) {
        String digits = withoutUnderscores(StringSearch.strip(text));
        boolean negative = digits.startsWith("-");
        if (negative || digits.startsWith("+")) {
            digits = digits.substring(1);
        }
        int radix = base;
        int prefix = digits.length() > 2 && digits.charAt(0) == '0' ? radix(digits.charAt(1)) : 10;
        if (prefix != 10 && (base == prefix || base == 0)) {
            digits = digits.substring(2);
            radix = prefix;
        } else if (base == 0) {
            radix = 10;
        }
        if (digits.isEmpty() || digits.length() > MAX_DIGITS || radix < 2 || radix > 36) {
            return null;
        }
        for (int i = 0; i < digits.length(); i++) {
            if (Character.digit(digits.charAt(i), radix) < 0) {
                return null;
            }
        }
        BigInteger value = new BigInteger(digits, radix);
        return negative ? value.negate() : value;
    }

    /** Reads text as {@code float(text)} does; null when it is not a number. */
    static @org.jspecify.annotations.Nullable Double parseReal(String text) {
        String number = withoutUnderscores(StringSearch.strip(text));
        String unsigned = number.startsWith("-") || number.startsWith("+") ? number.substring(1) : number;
        double sign = number.startsWith("-") ? -1 : 1;
        switch (unsigned.toLowerCase(java.util.Locale.ROOT)) {
            case "inf", "infinity" -> {
                return sign * Double.POSITIVE_INFINITY;
            }
            case "nan" -> {
                return Double.NaN;
            }
            default -> {}
        }
        if (unsigned.isEmpty() || unsigned.length() > MAX_DIGITS) {
            return null;
        }
        for (int i = 0; i < unsigned.length(); i++) { // Java also takes hexadecimal and a trailing d or f
            if ("0123456789.eE+-".indexOf(unsigned.charAt(i)) < 0) {
                return null;
            }
        }
        try {
            return sign * Double.parseDouble(unsigned);
        } catch (NumberFormatException e) {
            return null;
        }
    }

    /** Underscores may stand between digits only; elsewhere they stay and make the reading fail. */
    private static String withoutUnderscores(String text) {
        if (text.indexOf('_') < 0) {
            return text;
        }
        StringBuilder out = new StringBuilder(text.length());
        for (int i = 0; i < text.length(); i++) {
            boolean between = i > 0
                    && i + 1 < text.length()
                    && Character.isLetterOrDigit(text.charAt(i - 1))
                    && Character.isLetterOrDigit(text.charAt(i + 1));
            if (text.charAt(i) != '_' || !between) {
                out.append(text.charAt(i));
            }
        }
        return out.toString();
    }
}
