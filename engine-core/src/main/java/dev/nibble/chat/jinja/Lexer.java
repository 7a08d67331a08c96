package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Token.Kind;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;

/**
 * Cuts a template into tokens. White space is handled as chat templates expect it: {@code trim_blocks} and {@code lstrip_blocks}
 * are on, {@code -} strips and {@code +} keeps what is beside a tag, line ends become {@code \n}, and one at the very end is
 * dropped.
 */
final class Lexer {
    private static final List<String> OPERATORS = List.of(
            "//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]", "(", ")", "{", "}", ">", "<",
            "=", ".", ":", "|", ",", ";");

    private final String source;
    private final List<Token> tokens = new ArrayList<>();
    private int position;
    private int line = 1;
    private boolean lineStarting = true; // the last tag ended with a line break, or there was none yet

    private Lexer(String source) {
        this.source = source;
    }

    /** @throws SyntaxError with the line */
    static List<Token> tokens(String template) {
        String source = template.replace("\r\n", "\n").replace('\r', '\n');
        if (source.endsWith("\n")) {
            source = source.substring(0, source.length() - 1);
        }
        Lexer lexer = new Lexer(source);
        try {
            lexer.run();
        } catch (TemplateError e) {
            throw new SyntaxError(e, lexer.line);
        }
        return lexer.tokens;
    }

    private void run() {
        while (position < source.length()) {
            int tag = nextTag();
            if (tag < 0) {
                add(Kind.DATA, source.substring(position), line);
                line += newlines(position, source.length());
                break;
            }
            char kind = source.charAt(tag + 1);
            char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
            boolean signed = sign == '-' || sign == '+';
            int start = line;
            add(Kind.DATA, textBefore(tag, kind, sign), start);
            advance(tag + (signed ? 3 : 2));
            lineStarting = false;
            switch (kind) {
                case '#' -> comment();
                case '{' -> code("}}", Kind.PRINT_BEGIN, Kind.PRINT_END);
                default -> {
                    int rawEnd = wordThenEnd("raw", false);
                    if (rawEnd >= 0) {
                        advance(rawEnd);
                        raw();
                    } else {
                        code("%}", Kind.BLOCK_BEGIN, Kind.BLOCK_END);
                    }
                }
            }
        }
        add(Kind.END, "", line);
    }

    private void add(Kind kind, String text, int atLine) {
        if (kind != Kind.DATA || !text.isEmpty()) {
            tokens.add(new Token(kind, text, atLine));
        }
    }

    private int nextTag() {
        for (int i = source.indexOf('{', position); i >= 0; i = source.indexOf('{', i + 1)) {
            if (i + 1 < source.length() && "%{#".indexOf(source.charAt(i + 1)) >= 0) {
                return i;
            }
        }
        return -1;
    }

    private int newlines(int from, int to) {
        int count = 0;
        for (int i = from; i < to; i++) {
            if (source.charAt(i) == '\n') {
                count++;
            }
        }
        return count;
    }

    private void advance(int to) {
        line += newlines(position, to);
        position = to;
    }

    /** The text up to a tag, stripped as the tag asks. */
    private String textBefore(int tag, char kind, char sign) {
        String text = source.substring(position, tag);
        if (sign == '-') {
            return text.substring(0, endWithoutSpace(text, 0));
        }
        if (sign != '+' && kind != '{') {
            int lineStart = text.lastIndexOf('\n') + 1;
            if ((lineStart > 0 || lineStarting) && endWithoutSpace(text, lineStart) == lineStart) {
                return text.substring(0, lineStart);
            }
        }
        return text;
    }

    private static int endWithoutSpace(String text, int from) {
        int end = text.length();
        while (end > from && Characters.isSpace(text.charAt(end - 1))) {
            end--;
        }
        return end;
    }

    /** The length of a tag's end at {@code at}, with the white space it takes along; 0 when there is none. */
    private int tagEnd(int at, String end, boolean trimsLine) {
        if (source.startsWith(end, at)) {
            int after = at + end.length();
            return end.length() + (trimsLine && source.startsWith("\n", after) ? 1 : 0);
        }
        if (source.startsWith("-" + end, at)) {
            return skipSpace(at + 1 + end.length()) - at;
        }
        if (trimsLine && source.startsWith("+" + end, at)) {
            return 1 + end.length();
        }
        return 0;
    }

    private int skipSpace(int from) {
        int i = from;
        while (i < source.length() && Characters.isSpace(source.charAt(i))) {
            i++;
        }
        return i;
    }

    private void endTag(int end) {
        advance(end);
        lineStarting = source.charAt(end - 1) == '\n';
    }

    private void comment() {
        for (int i = source.indexOf('#', position); i >= 0; i = source.indexOf('#', i + 1)) {
            boolean signed = i > position && (source.charAt(i - 1) == '-' || source.charAt(i - 1) == '+');
            int from = signed ? i - 1 : i;
            int length = tagEnd(from, "#}", true);
            if (length > 0) {
                endTag(from + length);
                return;
            }
        }
        throw new TemplateError("the comment has no end '#}'");
    }

    /** The index after {@code word %}} from here, or -1 when something else stands here. */
    private int wordThenEnd(String word, boolean trimsLine) {
        int from = skipSpace(position);
        if (!source.startsWith(word, from)) {
            return -1;
        }
        int end = skipSpace(from + word.length());
        int length = tagEnd(end, "%}", trimsLine);
        return length == 0 ? -1 : end + length;
    }

    private void raw() {
        int start = position;
        for (int i = source.indexOf("{%", position); i >= 0; i = source.indexOf("{%", i + 2)) {
            char sign = i + 2 < source.length() ? source.charAt(i + 2) : ' ';
            position = i + (sign == '-' || sign == '+' ? 3 : 2);
            int end = wordThenEnd("endraw", true);
            position = start;
            if (end >= 0) {
                add(Kind.DATA, textBefore(i, '%', sign), line);
                endTag(end);
                return;
            }
        }
        throw new TemplateError("the raw block has no end '{% endraw %}'");
    }

    private void code(String end, Kind beginKind, Kind endKind) {
        add(beginKind, "", line);
        Deque<Character> open = new ArrayDeque<>();
        while (true) {
            advance(skipSpace(position));
            if (position >= source.length()) {
                throw new TemplateError("the tag has no end '" + end + "'");
            }
            int length = open.isEmpty() ? tagEnd(position, end, endKind == Kind.BLOCK_END) : 0;
            if (length > 0) {
                add(endKind, "", line);
                endTag(position + length);
                return;
            }
            char c = source.charAt(position);
            if (c == '"' || c == '\'') {
                string(c);
            } else if (c >= '0' && c <= '9') {
                number();
            } else if (Character.isUnicodeIdentifierStart(source.codePointAt(position)) || c == '_') {
                name();
            } else {
                operator(open);
            }
        }
    }

    private void name() {
        int end = position;
        while (end < source.length() && Character.isUnicodeIdentifierPart(source.codePointAt(end))) {
            end += Character.charCount(source.codePointAt(end));
        }
        add(Kind.NAME, source.substring(position, end), line);
        position = end;
    }

    private void operator(Deque<Character> open) {
        for (String operator : OPERATORS) {
            if (source.startsWith(operator, position)) {
                char c = operator.charAt(0);
                switch (c) {
                    case '(', '[', '{' -> open.push(c == '(' ? ')' : c == '[' ? ']' : '}');
                    case ')', ']', '}' -> {
                        if (open.isEmpty()) {
                            throw new TemplateError("unexpected '" + c + "'");
                        }
                        char expected = open.pop();
                        if (expected != c) {
                            throw new TemplateError("unexpected '" + c + "', expected '" + expected + "'");
                        }
                    }
                    default -> {}
                }
                add(Kind.OPERATOR, operator, line);
                position += operator.length();
                return;
            }
        }
        throw new TemplateError("unexpected character '" + Character.toString(source.codePointAt(position)) + "'");
    }

    private void number() {
        int end = NumberLiteral.endOfReal(source, position);
        // after a dot it is an index, as in list.0.1
        boolean real = end > position && (position == 0 || source.charAt(position - 1) != '.');
        if (!real) {
            end = NumberLiteral.endOfInteger(source, position);
        }
        add(real ? Kind.REAL : Kind.INTEGER, source.substring(position, end).replace("_", ""), line);
        position = end;
    }

    private void string(char quote) {
        int end = position + 1;
        while (end < source.length() && source.charAt(end) != quote) {
            end += source.charAt(end) == '\\' ? 2 : 1;
        }
        if (end >= source.length()) {
            throw new TemplateError("the string has no end " + quote);
        }
        add(Kind.STRING, StringLiteral.unescape(source.substring(position + 1, end)), line);
        advance(end + 1);
    }
}
