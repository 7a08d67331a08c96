package dev.nibble.chat.jinja;

import java.util.List;
import org.jspecify.annotations.Nullable;

/** A parsed piece of a template. */
sealed interface Node {
    /** Where it starts, from 1. */
    int line();

    /** Something that has a value. */
    sealed interface Expression extends Node {}

    record Literal(Value value, int line) implements Expression {}

    record Name(String name, int line) implements Expression {}

    record Items(List<Expression> items, boolean tuple, int line) implements Expression {}

    record Dict(List<Expression> keys, List<Expression> values, int line) implements Expression {}

    /** {@code target.name}. */
    record Attribute(Expression target, String name, int line) implements Expression {}

    /** {@code target[index]}. */
    record Subscript(Expression target, Expression index, int line) implements Expression {}

    /** {@code target[from:to:step]}. */
    record Slice(
            Expression target,
            @Nullable Expression from,
            @Nullable Expression to,
            @Nullable Expression step,
            int line) implements Expression {}

    record Call(Expression target, Inputs inputs, int line) implements Expression {}

    record Filtered(Expression target, Filter filter, int line) implements Expression {}

    record Tested(Expression target, String test, Inputs inputs, int line) implements Expression {}

    record Not(Expression operand, int line) implements Expression {}

    /** {@code +} or {@code -} before its operand. */
    record Unary(String operator, Expression operand, int line) implements Expression {}

    record Binary(String operator, Expression left, Expression right, int line) implements Expression {}

    /** {@code and} or {@code or}. */
    record Logical(boolean and, Expression left, Expression right, int line) implements Expression {}

    /** {@code a ~ b ~ c}. */
    record Concat(List<Expression> parts, int line) implements Expression {}

    /** {@code first op operand op operand ...}: true when each neighbouring pair is. */
    record Compare(Expression first, List<String> operators, List<Expression> operands, int line)
            implements Expression {}

    record Conditional(
            Expression condition, Expression then, @Nullable Expression otherwise, int line) implements Expression {}

    /** A filter and its arguments. */
    record Filter(String name, Inputs inputs, int line) {}

    /** The arguments of a call, with {@code *all} and {@code **named}. */
    record Inputs(
            List<Expression> positional,
            List<String> names,
            List<Expression> named,
            @Nullable Expression all,
            @Nullable Expression allNamed) {
        static final Inputs NONE = new Inputs(List.of(), List.of(), List.of(), null, null);
    }

    /** What can be assigned to. */
    sealed interface Target {}

    record NameTarget(String name) implements Target {}

    record AttributeTarget(String namespace, String attribute) implements Target {}

    record TupleTarget(List<Target> targets) implements Target {}

    /** Something that is carried out. */
    sealed interface Statement extends Node {}

    record Data(Text text, int line) implements Statement {}

    record Print(List<Expression> expressions, int line) implements Statement {}

    record Assign(Target target, Expression expression, int line) implements Statement {}

    record AssignBlock(Target target, List<Filter> filters, List<Statement> body, int line) implements Statement {}

    /** {@code if}, {@code elif}, ...: the body of the first condition that holds, else {@code otherwise}. */
    record If(List<Expression> conditions, List<List<Statement>> bodies, List<Statement> otherwise, int line)
            implements Statement {}

    record For(
            Target target,
            Expression items,
            @Nullable Expression condition,
            boolean recursive,
            List<Statement> body,
            List<Statement> otherwise,
            int line)
            implements Statement {}

    /** A macro's parameters and body; {@code defaults} belong to the last parameters. */
    record Signature(
            String name,
            List<String> parameters,
            List<Expression> defaults,
            List<Statement> body,
            boolean usesCaller,
            boolean usesVarargs,
            boolean usesKwargs) {}

    record Macro(Signature signature, int line) implements Statement {}

    record CallBlock(Call call, Signature caller, int line) implements Statement {}

    record FilterBlock(List<Filter> filters, List<Statement> body, int line) implements Statement {}

    /** {@code with} and {@code generation}: a body with names of its own. */
    record Scoped(List<Target> targets, List<Expression> values, List<Statement> body, int line) implements Statement {}

    /** Leaves the loop, or goes on with its next item. */
    record Jump(boolean breaks, int line) implements Statement {}
}
