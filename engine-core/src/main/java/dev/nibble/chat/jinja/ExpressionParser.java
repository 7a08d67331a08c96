package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Node.Expression;
import dev.nibble.chat.jinja.Node.Inputs;
import dev.nibble.chat.jinja.Token.Kind;
import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Real;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Parses expressions, with Jinja's precedence: {@code if}, or, and, not, comparison, {@code + -}, {@code ~}, ... */
final class ExpressionParser {
    private final TokenStream tokens;
    private Set<String> names = new HashSet<>();

    ExpressionParser(TokenStream tokens) {
        this.tokens = tokens;
    }

    /** Starts to collect the names that are read, and gives what was collected so far. */
    Set<String> collectNames() {
        Set<String> outer = names;
        names = new HashSet<>();
        return outer;
    }

    /** The names read since {@link #collectNames}; they count for the outer collection too. */
    Set<String> collectedNames(Set<String> outer) {
        Set<String> inner = names;
        outer.addAll(inner);
        names = outer;
        return inner;
    }

    /** An expression, or a tuple of several without parentheses. */
    Expression expressions(boolean conditional) {
        int line = tokens.line();
        Expression first = conditional ? expression() : or();
        if (!tokens.atOperator(",")) {
            return first;
        }
        List<Expression> items = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (endsTuple()) {
                break;
            }
            items.add(conditional ? expression() : or());
        }
        return new Node.Items(items, true, line);
    }

    private boolean endsTuple() {
        return tokens.at(Kind.PRINT_END)
                || tokens.at(Kind.BLOCK_END)
                || tokens.atOperator(")")
                || tokens.atName("recursive");
    }

    Expression expression() {
        tokens.enter();
        int unknown = tokens.unknownCount();
        int line = tokens.line();
        Expression value = or();
        while (tokens.skipName("if")) {
            Expression condition = or();
            Expression otherwise = tokens.skipName("else") ? expression() : null;
            value = new Node.Conditional(condition, value, otherwise, line);
            tokens.forgiveUnknownSince(unknown);
        }
        tokens.exit();
        return value;
    }

    private Expression or() {
        int line = tokens.line();
        Expression left = and();
        while (tokens.skipName("or")) {
            left = new Node.Logical(false, left, and(), line);
        }
        return left;
    }

    private Expression and() {
        int line = tokens.line();
        Expression left = not();
        while (tokens.skipName("and")) {
            left = new Node.Logical(true, left, not(), line);
        }
        return left;
    }

    private Expression not() {
        int line = tokens.line();
        boolean negated = false;
        boolean any = false;
        while (tokens.skipName("not")) {
            negated = !negated;
            any = true;
        }
        Expression value = comparison();
        if (!any) {
            return value;
        }
        Expression not = new Node.Not(value, line);
        return negated ? not : new Node.Not(not, line);
    }

    private Expression comparison() {
        int line = tokens.line();
        Expression first = sum();
        List<String> operators = new ArrayList<>();
        List<Expression> operands = new ArrayList<>();
        for (String operator = comparator(); operator != null; operator = comparator()) {
            operators.add(operator);
            operands.add(sum());
        }
        return operators.isEmpty() ? first : new Node.Compare(first, operators, operands, line);
    }

    private @Nullable String comparator() {
        Token token = tokens.current();
        if (token.kind() == Kind.OPERATOR) {
            return switch (token.text()) {
                case "==", "!=", "<", "<=", ">", ">=" -> tokens.next().text();
                default -> null;
            };
        }
        if (tokens.skipName("in")) {
            return "in";
        }
        if (tokens.atName("not") && tokens.following().isName("in")) {
            tokens.next();
            tokens.next();
            return "not in";
        }
        return null;
    }

    private Expression sum() {
        int line = tokens.line();
        Expression left = concat();
        while (tokens.atOperator("+") || tokens.atOperator("-")) {
            left = new Node.Binary(tokens.next().text(), left, concat(), line);
        }
        return left;
    }

    private Expression concat() {
        int line = tokens.line();
        Expression first = product();
        if (!tokens.atOperator("~")) {
            return first;
        }
        List<Expression> parts = new ArrayList<>(List.of(first));
        while (tokens.skipOperator("~")) {
            parts.add(product());
        }
        return new Node.Concat(parts, line);
    }

    private Expression product() {
        int line = tokens.line();
        Expression left = power();
        while (tokens.atOperator("*") || tokens.atOperator("/") || tokens.atOperator("//") || tokens.atOperator("%")) {
            left = new Node.Binary(tokens.next().text(), left, power(), line);
        }
        return left;
    }

    /** Unlike Python's, Jinja's power groups to the left and binds less than a sign. */
    private Expression power() {
        int line = tokens.line();
        Expression left = unary(true);
        while (tokens.skipOperator("**")) {
            left = new Node.Binary("**", left, unary(true), line);
        }
        return left;
    }

    private Expression unary(boolean filters) {
        tokens.enter();
        int line = tokens.line();
        Expression value;
        if (tokens.atOperator("-") || tokens.atOperator("+")) {
            value = new Node.Unary(tokens.next().text(), unary(false), line);
        } else {
            value = primary();
        }
        value = postfix(value);
        if (filters) {
            value = filtersAndTests(value);
        }
        tokens.exit();
        return value;
    }

    Expression primary() {
        Token token = tokens.current();
        int line = token.line();
        switch (token.kind()) {
            case NAME -> {
                tokens.next();
                return switch (token.text()) {
                    case "true", "True" -> new Node.Literal(Bool.TRUE, line);
                    case "false", "False" -> new Node.Literal(Bool.FALSE, line);
                    case "none", "None" -> new Node.Literal(None.NONE, line);
                    default -> {
                        names.add(token.text());
                        yield new Node.Name(token.text(), line);
                    }
                };
            }
            case STRING -> {
                StringBuilder text = new StringBuilder();
                while (tokens.at(Kind.STRING)) {
                    text.append(tokens.next().text());
                }
                return new Node.Literal(Text.of(text.toString()), line);
            }
            case INTEGER -> {
                return new Node.Literal(
                        new Int(NumberLiteral.integer(tokens.next().text())), line);
            }
            case REAL -> {
                return new Node.Literal(
                        new Real(Double.parseDouble(tokens.next().text())), line);
            }
            default -> {}
        }
        if (tokens.skipOperator("(")) {
            Expression inner = tokens.atOperator(")") ? new Node.Items(List.of(), true, line) : expressions(true);
            tokens.expectOperator(")");
            return inner;
        }
        if (tokens.skipOperator("[")) {
            List<Expression> items = new ArrayList<>();
            while (more(items.isEmpty(), "]")) {
                items.add(expression());
            }
            return new Node.Items(items, false, line);
        }
        if (tokens.skipOperator("{")) {
            List<Expression> keys = new ArrayList<>();
            List<Expression> values = new ArrayList<>();
            while (more(keys.isEmpty(), "}")) {
                keys.add(expression());
                tokens.expectOperator(":");
                values.add(expression());
            }
            return new Node.Dict(keys, values, line);
        }
        throw new TemplateError("expected an expression, found " + token.shown());
    }

    /** Passes the comma before another item, or the end; a comma may stand before the end too. */
    private boolean more(boolean first, String end) {
        if (!first && !tokens.atOperator(end)) {
            tokens.expectOperator(",");
        }
        return !tokens.skipOperator(end);
    }

    Expression postfix(Expression target) {
        Expression value = target;
        while (true) {
            int line = tokens.line();
            if (tokens.skipOperator(".")) {
                if (tokens.at(Kind.INTEGER)) {
                    Value index = new Int(NumberLiteral.integer(tokens.next().text()));
                    value = new Node.Subscript(value, new Node.Literal(index, line), line);
                } else {
                    value = new Node.Attribute(
                            value, tokens.expect(Kind.NAME, "a name or number").text(), line);
                }
            } else if (tokens.skipOperator("[")) {
                value = subscript(value, line);
            } else if (tokens.atOperator("(")) {
                value = new Node.Call(value, inputs(), line);
            } else {
                return value;
            }
        }
    }

    private Expression subscript(Expression target, int line) {
        Expression from = tokens.atOperator(":") ? null : expression();
        if (!tokens.skipOperator(":")) {
            if (from == null) {
                throw new TemplateError("expected an index");
            }
            List<Expression> items = new ArrayList<>(List.of(from));
            while (!tokens.atOperator("]")) {
                tokens.expectOperator(",");
                items.add(expression());
            }
            tokens.next();
            return new Node.Subscript(target, items.size() == 1 ? from : new Node.Items(items, true, line), line);
        }
        Expression to = tokens.atOperator(":") || tokens.atOperator("]") ? null : expression();
        Expression step = null;
        if (tokens.skipOperator(":") && !tokens.atOperator("]")) {
            step = expression();
        }
        tokens.expectOperator("]");
        return new Node.Slice(target, from, to, step, line);
    }

    private Expression filtersAndTests(Expression target) {
        Expression value = target;
        while (true) {
            int line = tokens.line();
            if (tokens.skipOperator("|")) {
                value = new Node.Filtered(value, filter(), line);
            } else if (tokens.skipName("is")) {
                value = test(value, line);
            } else if (tokens.atOperator("(")) {
                value = new Node.Call(value, inputs(), line);
            } else {
                return value;
            }
        }
    }

    /** A filter's name and arguments, after its {@code |}. */
    Node.Filter filter() {
        int line = tokens.line();
        String name = dottedName("the name of a filter");
        if (!Filters.exists(name)) {
            tokens.unknown("the filter '" + name + "'", line);
        }
        return new Node.Filter(name, tokens.atOperator("(") ? inputs() : Inputs.NONE, line);
    }

    private Expression test(Expression target, int line) {
        boolean negated = tokens.skipName("not");
        String name = dottedName("the name of a test");
        if (!Tests.exists(name)) {
            tokens.unknown("the test '" + name + "'", line);
        }
        Inputs inputs = Inputs.NONE;
        if (tokens.atOperator("(")) {
            inputs = inputs();
        } else if (startsTestArgument()) {
            if (tokens.atName("is")) {
                throw new TemplateError("tests cannot be chained with 'is'");
            }
            inputs = new Inputs(List.of(postfix(primary())), List.of(), List.of(), null, null);
        }
        Expression test = new Node.Tested(target, name, inputs, line);
        return negated ? new Node.Not(test, line) : test;
    }

    private boolean startsTestArgument() {
        return switch (tokens.current().kind()) {
            case NAME -> !tokens.atName("else") && !tokens.atName("or") && !tokens.atName("and");
            case STRING, INTEGER, REAL -> true;
            default -> tokens.atOperator("(") || tokens.atOperator("[") || tokens.atOperator("{");
        };
    }

    private String dottedName(String what) {
        StringBuilder name = new StringBuilder(tokens.expect(Kind.NAME, what).text());
        while (tokens.skipOperator(".")) {
            name.append('.').append(tokens.expect(Kind.NAME, what).text());
        }
        return name.toString();
    }

    /** Arguments in parentheses. */
    private Inputs inputs() {
        tokens.expectOperator("(");
        List<Expression> positional = new ArrayList<>();
        List<String> keywords = new ArrayList<>();
        List<Expression> named = new ArrayList<>();
        Expression all = null;
        Expression allNamed = null;
        boolean first = true;
        while (more(first, ")")) {
            first = false;
            if (tokens.skipOperator("*")) {
                order(all == null && allNamed == null);
                all = expression();
            } else if (tokens.skipOperator("**")) {
                order(allNamed == null);
                allNamed = expression();
            } else if (tokens.at(Kind.NAME) && tokens.following().isOperator("=")) {
                order(allNamed == null);
                String name = tokens.next().text();
                tokens.next();
                order(!keywords.contains(name));
                keywords.add(name);
                named.add(expression());
            } else {
                order(keywords.isEmpty() && all == null && allNamed == null);
                positional.add(expression());
            }
        }
        return new Inputs(positional, keywords, named, all, allNamed);
    }

    private static void order(boolean ordered) {
        if (!ordered) {
            throw new TemplateError("the arguments of the call are repeated or in the wrong order");
        }
    }
}
