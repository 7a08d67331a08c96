package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Node.Expression;
import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Namespace;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Evaluates expressions. */
final class Evaluator {
    private final Rendering rendering;
    private final Globals globals;

    Evaluator(Rendering rendering, Globals globals) {
        this.rendering = rendering;
        this.globals = globals;
    }

    Value evaluate(Expression expression, Scope scope) {
        return switch (expression) {
            case Node.Literal literal -> literal.value();
            case Node.Name name -> lookUp(name.name(), scope);
            default -> {
                rendering.step();
                rendering.enter();
                rendering.at(expression.line());
                Value value = compound(expression, scope);
                rendering.exit();
                yield value;
            }
        };
    }

    Value lookUp(String name, Scope scope) {
        rendering.step();
        Value value = scope.get(name);
        if (value == null) {
            value = globals.get(name);
        }
        return value == null ? new Undefined("'" + name + "' is undefined") : value;
    }

    private Value compound(Expression expression, Scope scope) {
        return switch (expression) {
            case Node.Literal literal -> literal.value();
            case Node.Name name -> lookUp(name.name(), scope);
            case Node.Items items -> {
                rendering.steps(Rendering.OBJECT);
                List<Value> values = evaluateAll(items.items(), scope);
                yield items.tuple() ? ListValue.tuple(values) : ListValue.list(values);
            }
            case Node.Dict dict -> dict(dict, scope);
            case Node.Attribute attribute -> {
                Value target = evaluate(attribute.target(), scope);
                rendering.at(attribute.line());
                yield Attributes.attribute(rendering, target, attribute.name());
            }
            case Node.Subscript subscript -> {
                Value target = evaluate(subscript.target(), scope);
                Value index = evaluate(subscript.index(), scope);
                rendering.at(subscript.line());
                yield Attributes.item(rendering, target, index);
            }
            case Node.Slice slice -> slice(slice, scope);
            case Node.Call call -> call(call, scope, null);
            case Node.Filtered filtered -> filter(filtered.filter(), evaluate(filtered.target(), scope), scope);
            case Node.Tested tested -> {
                Value value = evaluate(tested.target(), scope);
                Arguments arguments = arguments(tested.inputs(), scope, null);
                rendering.at(tested.line());
                yield Bool.of(Tests.apply(rendering, tested.test(), value, arguments));
            }
            case Node.Not not -> Bool.of(!Values.truth(evaluate(not.operand(), scope)));
            case Node.Unary unary -> {
                Value operand = evaluate(unary.operand(), scope);
                rendering.at(unary.line());
                yield unary.operator().equals("-") ? Operators.negate(operand) : Operators.plus(operand);
            }
            case Node.Binary binary -> {
                Value left = evaluate(binary.left(), scope);
                Value right = evaluate(binary.right(), scope);
                rendering.at(binary.line());
                yield Operators.apply(rendering, binary.operator(), left, right);
            }
            case Node.Logical logical -> {
                Value left = evaluate(logical.left(), scope);
                yield Values.truth(left) == logical.and() ? evaluate(logical.right(), scope) : left;
            }
            case Node.Concat concat -> {
                TextBuilder out = new TextBuilder(rendering);
                for (Expression part : concat.parts()) {
                    Printer.print(rendering, evaluate(part, scope), out);
                }
                yield out.build();
            }
            case Node.Compare compare -> compare(compare, scope);
            case Node.Conditional conditional -> conditional(conditional, scope);
        };
    }

    private List<Value> evaluateAll(List<Expression> expressions, Scope scope) {
        List<Value> values = new ArrayList<>(expressions.size());
        for (Expression expression : expressions) {
            values.add(evaluate(expression, scope));
        }
        return values;
    }

    private Value dict(Node.Dict node, Scope scope) {
        DictValue dict = new DictValue();
        for (int i = 0; i < node.keys().size(); i++) {
            rendering.steps(2 * Rendering.OBJECT);
            dict.put(evaluate(node.keys().get(i), scope), evaluate(node.values().get(i), scope));
        }
        return dict;
    }

    private Value slice(Node.Slice slice, Scope scope) {
        Value target = evaluate(slice.target(), scope);
        Value from = optional(slice.from(), scope);
        Value to = optional(slice.to(), scope);
        Value step = optional(slice.step(), scope);
        rendering.at(slice.line());
        return Attributes.slice(rendering, target, from, to, step);
    }

    private Value optional(@Nullable Expression expression, Scope scope) {
        return expression == null ? None.NONE : evaluate(expression, scope);
    }

    private Value compare(Node.Compare compare, Scope scope) {
        Value left = evaluate(compare.first(), scope);
        for (int i = 0; i < compare.operators().size(); i++) {
            Value right = evaluate(compare.operands().get(i), scope);
            rendering.at(compare.line());
            String operator = compare.operators().get(i);
            boolean holds = switch (operator) {
                case "==" -> Comparison.equal(rendering, left, right);
                case "!=" -> !Comparison.equal(rendering, left, right);
                case "in" -> Comparison.contains(rendering, right, left);
                case "not in" -> !Comparison.contains(rendering, right, left);
                default -> Comparison.ordered(rendering, operator, left, right);
            };
            if (!holds) {
                return Bool.FALSE;
            }
            left = right;
        }
        return Bool.TRUE;
    }

    private Value conditional(Node.Conditional node, Scope scope) {
        if (Values.truth(evaluate(node.condition(), scope))) {
            return evaluate(node.then(), scope);
        }
        Expression otherwise = node.otherwise();
        return otherwise != null
                ? evaluate(otherwise, scope)
                : new Undefined("the inline if-expression evaluated to false and no else section was defined");
    }

    /** @param caller the function that a call block passes along, or null */
    Value call(Node.Call call, Scope scope, @Nullable Value caller) {
        Value target = evaluate(call.target(), scope);
        Arguments arguments = arguments(call.inputs(), scope, caller);
        rendering.at(call.line());
        return switch (target) {
            case Function function -> function.body().call(rendering, arguments);
            case LoopState loop -> loop.recurse(arguments);
            case Undefined undefined -> throw undefined.error();
            default -> throw new TemplateError("'" + Values.typeName(target) + "' object is not callable");
        };
    }

    Value filter(Node.Filter filter, Value input, Scope scope) {
        Arguments arguments = arguments(filter.inputs(), scope, null);
        rendering.at(filter.line());
        return Filters.apply(rendering, filter.name(), input, arguments);
    }

    private Arguments arguments(Node.Inputs inputs, Scope scope, @Nullable Value caller) {
        if (inputs == Node.Inputs.NONE && caller == null) {
            return Arguments.NONE;
        }
        List<Value> positional = evaluateAll(inputs.positional(), scope);
        Map<String, Value> named = new LinkedHashMap<>();
        for (int i = 0; i < inputs.names().size(); i++) {
            named.put(inputs.names().get(i), evaluate(inputs.named().get(i), scope));
        }
        if (inputs.all() != null) {
            positional.addAll(Values.toList(rendering, evaluate(inputs.all(), scope)));
        }
        if (inputs.allNamed() != null) {
            spread(evaluate(inputs.allNamed(), scope), named);
        }
        if (caller != null) {
            named.put("caller", caller);
        }
        return new Arguments(positional, named);
    }

    private static void spread(Value value, Map<String, Value> named) {
        if (!(value instanceof DictValue dict)) {
            throw new TemplateError("argument after ** must be a mapping, not " + Values.typeName(value));
        }
        for (DictValue.Entry entry : dict.entries()) {
            String name = Values.textArgument(entry.key(), "a keyword").value();
            if (named.put(name, entry.value()) != null) {
                throw new TemplateError("got multiple values for keyword argument '" + name + "'");
            }
        }
    }

    /** Stores a value into what an assignment, a loop or a parameter names. */
    void assign(Node.Target target, Value value, Scope scope) {
        switch (target) {
            case Node.NameTarget name -> scope.set(name.name(), value);
            case Node.AttributeTarget attribute -> {
                if (!(lookUp(attribute.namespace(), scope) instanceof Namespace namespace)) {
                    throw new TemplateError("cannot assign attribute on non-namespace object");
                }
                namespace.attributes().put(attribute.attribute(), value);
            }
            case Node.TupleTarget tuple -> {
                if (!Values.isIterable(value)) {
                    throw new TemplateError("cannot unpack non-iterable " + Values.typeName(value) + " object");
                }
                List<Value> parts = Values.toList(rendering, value);
                int wanted = tuple.targets().size();
                if (parts.size() != wanted) {
                    throw new TemplateError(
                            parts.size() > wanted
                                    ? "too many values to unpack (expected " + wanted + ")"
                                    : "not enough values to unpack (expected " + wanted + ", got " + parts.size()
                                            + ")");
                }
                for (int i = 0; i < wanted; i++) {
                    assign(tuple.targets().get(i), parts.get(i), scope);
                }
            }
        }
    }
}
