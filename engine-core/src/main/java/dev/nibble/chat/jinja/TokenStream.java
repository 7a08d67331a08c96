package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.List;

/** The tokens of a template in turn, and what both parsers keep track of: nesting, and filters nobody knows. */
final class TokenStream {
    /** How deep expressions and blocks may be nested in the source. Python's own parser stops at 200 parentheses. */
    static final int MAX_NESTING = 200;

    private final List<Token> tokens;
    private final List<SyntaxError> unknown = new ArrayList<>();
    private int position;
    private int nesting;

    TokenStream(List<Token> tokens) {
        this.tokens = tokens;
    }

    Token current() {
        return tokens.get(position);
    }

    Token following() {
        return tokens.get(Math.min(position + 1, tokens.size() - 1));
    }

    int line() {
        return current().line();
    }

    Token next() {
        Token token = current();
        if (position + 1 < tokens.size()) {
            position++;
        }
        return token;
    }

    boolean at(Kind kind) {
        return current().kind() == kind;
    }

    boolean atName(String name) {
        return current().isName(name);
    }

    boolean atOperator(String operator) {
        return current().isOperator(operator);
    }

    boolean skipName(String name) {
        boolean found = atName(name);
        if (found) {
            next();
        }
        return found;
    }

    boolean skipOperator(String operator) {
        boolean found = atOperator(operator);
        if (found) {
            next();
        }
        return found;
    }

    Token expect(Kind kind, String what) {
        if (!at(kind)) {
            throw new TemplateError("expected " + what + ", found " + current().shown());
        }
        return next();
    }

    void expectName(String name) {
        if (!skipName(name)) {
            throw new TemplateError(
                    "expected '" + name + "', found " + current().shown());
        }
    }

    void expectOperator(String operator) {
        if (!skipOperator(operator)) {
            throw new TemplateError(
                    "expected '" + operator + "', found " + current().shown());
        }
    }

    void enter() {
        if (++nesting > MAX_NESTING) {
            throw new TemplateError("the template is nested more than " + MAX_NESTING + " levels deep");
        }
    }

    void exit() {
        nesting--;
    }

    /** Notes a filter or test that does not exist: an error, unless it stands where it may never be reached. */
    void unknown(String construct, int line) {
        unknown.add(new SyntaxError(TemplateError.unsupported(construct), line));
    }

    int unknownCount() {
        return unknown.size();
    }

    /** What was noted since {@code count} stands in a branch: it fails only when it is reached. */
    void forgiveUnknownSince(int count) {
        unknown.subList(count, unknown.size()).clear();
    }

    void failOnUnknown() {
        if (!unknown.isEmpty()) {
            throw unknown.getFirst();
        }
    }
}
