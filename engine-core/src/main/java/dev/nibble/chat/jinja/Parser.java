package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Node.Expression;
import dev.nibble.chat.jinja.Node.Statement;
import dev.nibble.chat.jinja.Node.Target;
import dev.nibble.chat.jinja.Token.Kind;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Parses the statements of a template. */
final class Parser {
    private final TokenStream tokens;
    private final ExpressionParser expressions;
    private int depth; // of bodies within bodies
    private final Set<String> blocks = new HashSet<>();
    private int loops; // open loops that break and continue may leave

    private Parser(TokenStream tokens) {
        this.tokens = tokens;
        this.expressions = new ExpressionParser(tokens);
    }

    /** @throws SyntaxError with the line */
    static List<Statement> parse(String source) {
        TokenStream tokens = new TokenStream(Lexer.tokens(source));
        Parser parser = new Parser(tokens);
        List<Statement> body;
        try {
            body = parser.body("");
        } catch (TemplateError e) {
            throw new SyntaxError(e, tokens.line());
        }
        tokens.failOnUnknown();
        return body;
    }

    /** Statements up to one of {@code ends}, separated by spaces; the token of that tag's name is left as the current one. */
    private List<Statement> body(String ends) {
        tokens.enter();
        depth++;
        List<Statement> statements = new ArrayList<>();
        while (true) {
            Token token = tokens.current();
            switch (token.kind()) {
                case DATA -> statements.add(new Node.Data(Text.of(tokens.next().text()), token.line()));
                case PRINT_BEGIN -> {
                    tokens.next();
                    statements.add(new Node.Print(List.of(expressions.expressions(true)), token.line()));
                    tokens.expect(Kind.PRINT_END, "'}}'");
                }
                case BLOCK_BEGIN -> {
                    tokens.next();
                    Token tag = tokens.expect(Kind.NAME, "the name of a tag");
                    if (List.of(ends.split(" ")).contains(tag.text())) {
                        end = tag.text();
                        depth--;
                        tokens.exit();
                        return statements;
                    }
                    statements.add(statement(tag, ends));
                    tokens.expect(Kind.BLOCK_END, "'%}'");
                }
                default -> {
                    if (token.kind() == Kind.END && ends.isEmpty()) {
                        depth--;
                        tokens.exit();
                        return statements;
                    }
                    throw new TemplateError(
                            "expected '{% " + ends.replace(" ", " %}' or '{% ") + " %}', found " + token.shown());
                }
            }
        }
    }

    /** The name of the tag that ended the last {@link #body}. */
    private String end = "";

    /** The body of a block tag whose expressions were read. */
    private List<Statement> block(String ends) {
        tokens.skipOperator(":");
        tokens.expect(Kind.BLOCK_END, "'%}'");
        return body(ends);
    }

    private Statement statement(Token tag, String ends) {
        int line = tag.line();
        return switch (tag.text()) {
            case "if" -> ifStatement(line);
            case "for" -> forStatement(line);
            case "set" -> setStatement(line);
            case "macro" ->
                new Node.Macro(
                        macro(tokens.expect(Kind.NAME, "the macro's name").text()), line);
            case "call" -> callBlock(line);
            case "filter" -> filterBlock(line);
            case "with" -> withBlock(line);
            case "generation" -> new Node.Scoped(List.of(), List.of(), withoutLoop("endgeneration"), line);
            case "block" -> block(line);
            case "autoescape" -> autoescape(line);
            case "print" -> printStatement(line);
            case "break", "continue" -> {
                if (loops == 0) {
                    throw new TemplateError("'" + tag.text() + "' outside of a loop");
                }
                yield new Node.Jump(tag.text().equals("break"), line);
            }
            default -> {
                if (tag.text().startsWith("end")
                        || tag.text().equals("else")
                        || tag.text().equals("elif")) {
                    throw new TemplateError("unexpected '{% " + tag.text() + " %}'"
                            + (ends.isEmpty() ? "" : ", expected '{% " + ends.replace(" ", " %}' or '{% ") + " %}'"));
                }
                throw TemplateError.unsupported("the tag '{% " + tag.text() + " %}'");
            }
        };
    }

    /** A template stands alone: a block that another could replace is what it holds. */
    private Statement block(int line) {
        String name = tokens.expect(Kind.NAME, "the block's name").text();
        if (!blocks.add(name)) {
            throw new TemplateError("the block '" + name + "' is defined twice");
        }
        if (!tokens.skipName("scoped") && depth > 1) {
            // what is around it is out of its sight
            throw TemplateError.unsupported("the tag '{% block %}' without 'scoped' inside another");
        }
        tokens.skipName("required");
        List<Statement> body = withoutLoop("endblock");
        tokens.skipName(name);
        return new Node.Scoped(List.of(), List.of(), body, line);
    }

    /** Off is how prompts are rendered anyway. */
    private Statement autoescape(int line) {
        if (!(expressions.expression() instanceof Node.Literal switched) || Values.truth(switched.value())) {
            throw TemplateError.unsupported("the tag '{% autoescape %}' with anything but false");
        }
        return new Node.Scoped(List.of(), List.of(), block("endautoescape"), line);
    }

    private Statement printStatement(int line) {
        List<Expression> parts = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!parts.isEmpty()) {
                tokens.expectOperator(",");
            }
            parts.add(expressions.expression());
        }
        return new Node.Print(parts, line);
    }

    private Statement ifStatement(int line) {
        int unknown = tokens.unknownCount();
        List<Expression> conditions = new ArrayList<>();
        List<List<Statement>> bodies = new ArrayList<>();
        do {
            conditions.add(expressions.expressions(false));
            bodies.add(block("elif else endif"));
        } while (end.equals("elif"));
        List<Statement> otherwise = end.equals("else") ? block("endif") : List.of();
        tokens.forgiveUnknownSince(unknown);
        return new Node.If(conditions, bodies, otherwise, line);
    }

    private Statement forStatement(int line) {
        loops++;
        Target target = target("in");
        loops--;
        tokens.expectName("in");
        Expression items = expressions.expressions(false);
        Expression condition = tokens.skipName("if") ? expressions.expression() : null;
        boolean recursive = tokens.skipName("recursive");
        loops++;
        List<Statement> body = block("endfor else");
        loops--;
        List<Statement> otherwise = end.equals("else") ? block("endfor") : List.of();
        return new Node.For(target, items, condition, recursive, body, otherwise, line);
    }

    private Statement setStatement(int line) {
        Target target = target("");
        if (tokens.skipOperator("=")) {
            return new Node.Assign(target, expressions.expressions(true), line);
        }
        List<Node.Filter> filters = new ArrayList<>();
        while (tokens.skipOperator("|")) {
            filters.add(expressions.filter());
        }
        return new Node.AssignBlock(target, filters, block("endset"), line);
    }

    private Statement filterBlock(int line) {
        List<Node.Filter> filters = new ArrayList<>();
        do {
            filters.add(expressions.filter());
        } while (tokens.skipOperator("|"));
        return new Node.FilterBlock(filters, block("endfilter"), line);
    }

    private Statement withBlock(int line) {
        List<Target> targets = new ArrayList<>();
        List<Expression> values = new ArrayList<>();
        while (!tokens.at(Kind.BLOCK_END)) {
            if (!targets.isEmpty()) {
                tokens.expectOperator(",");
            }
            targets.add(target(""));
            tokens.expectOperator("=");
            values.add(expressions.expression());
        }
        return new Node.Scoped(targets, values, block("endwith"), line);
    }

    private Statement callBlock(int line) {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        Set<String> outer = expressions.collectNames();
        if (tokens.atOperator("(")) {
            parameters(parameters, defaults);
        }
        if (!(expressions.expression() instanceof Node.Call call)) {
            throw new TemplateError("a call block has to call a macro");
        }
        Node.Signature caller = signature("caller", parameters, defaults, "endcall", outer);
        return new Node.CallBlock(call, caller, line);
    }

    private Node.Signature macro(String name) {
        List<String> parameters = new ArrayList<>();
        List<Expression> defaults = new ArrayList<>();
        Set<String> outer = expressions.collectNames();
        parameters(parameters, defaults);
        return signature(name, parameters, defaults, "endmacro", outer);
    }

    private Node.Signature signature(
            String name, List<String> parameters, List<Expression> defaults, String end, Set<String> outerNames) {
        List<Statement> body = withoutLoop(end);
        Set<String> names = expressions.collectedNames(outerNames);
        return new Node.Signature(
                name,
                parameters,
                defaults,
                body,
                names.contains("caller"),
                names.contains("varargs"),
                names.contains("kwargs"));
    }

    private void parameters(List<String> names, List<Expression> defaults) {
        tokens.expectOperator("(");
        while (!tokens.atOperator(")")) {
            if (!names.isEmpty()) {
                tokens.expectOperator(",");
            }
            String name = tokens.expect(Kind.NAME, "the name of a parameter").text();
            if (names.contains(name)) {
                throw new TemplateError("the parameter '" + name + "' is named twice");
            }
            names.add(name);
            if (tokens.skipOperator("=")) {
                defaults.add(expressions.expression());
            } else if (!defaults.isEmpty()) {
                throw new TemplateError("the parameter '" + name + "' needs a default, as the one before it has one");
            }
        }
        tokens.next();
    }

    /** A body that is a function of its own: no break or continue reaches out of it. */
    private List<Statement> withoutLoop(String end) {
        int outer = loops;
        loops = 0;
        List<Statement> body = block(end);
        loops = outer;
        return body;
    }

    /** What an assignment stores into; a tuple ends at the name {@code endName}. */
    private Target target(String endName) {
        Target first = singleTarget();
        if (!tokens.atOperator(",")) {
            return first;
        }
        List<Target> all = new ArrayList<>(List.of(first));
        while (tokens.skipOperator(",")) {
            if (tokens.atName(endName) || tokens.atOperator("=") || tokens.atOperator(")")) {
                break;
            }
            all.add(singleTarget());
        }
        return new Node.TupleTarget(all);
    }

    private Target singleTarget() {
        if (tokens.skipOperator("(")) {
            tokens.enter();
            Target inner = target("");
            tokens.expectOperator(")");
            tokens.exit();
            return inner;
        }
        String name = tokens.expect(Kind.NAME, "a name to assign to").text();
        switch (name) {
            case "true", "false", "none", "True", "False", "None" ->
                throw new TemplateError("cannot assign to '" + name + "'");
            default -> {}
        }
        if (name.equals("loop") && loops > 0) {
            throw new TemplateError("cannot assign to the special variable 'loop'");
        }
        if (tokens.skipOperator(".")) {
            return new Node.AttributeTarget(
                    name, tokens.expect(Kind.NAME, "a name").text());
        }
        return new Node.NameTarget(name);
    }
}
