package dev.nibble.chat.jinja;

/** The escapes of a string literal, as Python reads them. */
final class StringLiteral {
    private StringLiteral() {}

    static String unescape(String literal) {
        if (literal.indexOf('\\') < 0) {
            return literal;
        }
        StringBuilder out = new StringBuilder(literal.length());
        for (int i = 0; i < literal.length(); i++) {
            char c = literal.charAt(i);
            if (c != '\\') {
                out.append(c);
                continue;
            }
            char escape = literal.charAt(++i); // the lexer never ends a string on a backslash
            switch (escape) {
                case '\n' -> {}
                case '\\', '\'', '"' -> out.append(escape);
                case 'a' -> out.append('\u0007');
                case 'b' -> out.append('\b');
                case 'f' -> out.append('\f');
                case 'n' -> out.append('\n');
                case 'r' -> out.append('\r');
                case 't' -> out.append('\t');
                case 'v' -> out.append('\u000b');
                case 'x' -> i = codePoint(literal, i, 2, out);
                case 'u' -> i = codePoint(literal, i, 4, out);
                case 'U' -> i = codePoint(literal, i, 8, out);
                case 'N' -> throw TemplateError.unsupported("the character name escape \\N");
                case '0', '1', '2', '3', '4', '5', '6', '7' -> i = octal(literal, i, out);
                default -> out.append('\\').append(escape);
            }
        }
        return out.toString();
    }

    private static int codePoint(String literal, int at, int digits, StringBuilder out) {
        int value = 0;
        for (int i = 1; i <= digits; i++) {
            int digit = at + i < literal.length() ? Character.digit(literal.charAt(at + i), 16) : -1;
            if (digit < 0 || value > Character.MAX_CODE_POINT) {
                throw new TemplateError(
                        "the escape \\" + literal.charAt(at) + " needs " + digits + " hexadecimal digits");
            }
            value = value * 16 + digit;
        }
        if (value > Character.MAX_CODE_POINT) {
            throw new TemplateError("the escape \\U names no character");
        }
        out.appendCodePoint(value);
        return at + digits;
    }

    private static int octal(String literal, int at, StringBuilder out) {
        int value = 0;
        int end = at;
        while (end < literal.length() && end < at + 3 && Character.digit(literal.charAt(end), 8) >= 0) {
            value = value * 8 + Character.digit(literal.charAt(end++), 8);
        }
        out.append((char) value);
        return end - 1;
    }
}
