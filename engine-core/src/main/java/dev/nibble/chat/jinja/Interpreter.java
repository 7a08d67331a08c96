package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Node.Signature;
import dev.nibble.chat.jinja.Node.Statement;
import dev.nibble.chat.jinja.Value.Lazy;
import dev.nibble.chat.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** Carries out statements and writes what they print. */
final class Interpreter {
    /** How a body was left. */
    private enum Flow {
        NEXT,
        BREAK,
        CONTINUE
    }

    private final Rendering rendering;
    private final Evaluator evaluator;

    Interpreter(Rendering rendering) {
        this.rendering = rendering;
        this.evaluator = new Evaluator(rendering, new Globals());
    }

    /** Runs a whole template. */
    Text run(List<Statement> body, Scope variables) {
        TextBuilder out = new TextBuilder(rendering);
        execute(body, new Scope(variables), out);
        return out.build();
    }

    private Flow execute(List<Statement> body, Scope scope, TextBuilder out) {
        for (Statement statement : body) {
            rendering.step();
            rendering.at(statement.line());
            Flow flow = execute(statement, scope, out);
            if (flow != Flow.NEXT) {
                return flow;
            }
        }
        return Flow.NEXT;
    }

    private Flow execute(Statement statement, Scope scope, TextBuilder out) {
        switch (statement) {
            case Node.Data data -> out.append(data.text());
            case Node.Print print -> {
                for (Node.Expression part : print.expressions()) {
                    Printer.print(rendering, evaluator.evaluate(part, scope), out);
                }
            }
            case Node.Assign set -> evaluator.assign(set.target(), evaluator.evaluate(set.expression(), scope), scope);
            case Node.If branches -> {
                return choose(branches, scope, out);
            }
            case Node.For loop -> loop(loop, evaluator.evaluate(loop.items(), scope), scope, out, 0);
            case Node.AssignBlock set ->
                evaluator.assign(set.target(), filtered(set.filters(), set.body(), scope), scope);
            case Node.FilterBlock block -> out.append(filtered(block.filters(), block.body(), scope));
            case Node.Scoped block -> {
                Scope inner = new Scope(scope);
                for (int i = 0; i < block.targets().size(); i++) {
                    Value value = evaluator.evaluate(block.values().get(i), scope);
                    evaluator.assign(block.targets().get(i), value, inner);
                }
                return nested(block.body(), inner, out);
            }
            case Node.Macro macro -> scope.set(macro.signature().name(), function(macro.signature(), scope));
            case Node.CallBlock block -> {
                Value caller = function(block.caller(), scope);
                rendering.enter();
                Printer.print(rendering, evaluator.call(block.call(), scope, caller), out);
                rendering.exit();
            }
            case Node.Jump jump -> {
                return jump.breaks() ? Flow.BREAK : Flow.CONTINUE;
            }
        }
        return Flow.NEXT;
    }

    private Flow nested(List<Statement> body, Scope scope, TextBuilder out) {
        rendering.enter();
        Flow flow = execute(body, scope, out);
        rendering.exit();
        return flow;
    }

    private Flow choose(Node.If branches, Scope scope, TextBuilder out) {
        for (int i = 0; i < branches.conditions().size(); i++) {
            if (Values.truth(evaluator.evaluate(branches.conditions().get(i), scope))) {
                return nested(branches.bodies().get(i), scope, out);
            }
        }
        return nested(branches.otherwise(), scope, out);
    }

    private Text filtered(List<Node.Filter> filters, List<Statement> body, Scope scope) {
        Scope inner = new Scope(scope);
        TextBuilder captured = new TextBuilder(rendering);
        nested(body, inner, captured);
        Value value = captured.build();
        for (Node.Filter filter : filters) {
            value = evaluator.filter(filter, value, inner);
        }
        return Printer.str(rendering, value);
    }

    private void loop(Node.For node, Value items, Scope scope, TextBuilder out, int depth) {
        Function.Body recursion = !node.recursive()
                ? null
                : (rendering, arguments) -> {
                    TextBuilder inner = new TextBuilder(rendering);
                    loop(node, arguments.single("loop"), scope, inner, depth + 1);
                    return inner.build();
                };
        Iterator<Value> all = Values.iterate(rendering, items);
        boolean sized = node.condition() == null && !(items instanceof Lazy);
        if (node.condition() != null) {
            all = new Selected(node, node.condition(), scope, all);
        }
        LoopState state = new LoopState(rendering, all, sized ? Values.size(items) : -1, depth, recursion);
        boolean empty = true;
        for (Value item = state.advance(); item != null; item = state.advance()) {
            empty = false;
            rendering.steps(2 * Rendering.OBJECT);
            Scope inner = new Scope(scope);
            inner.set("loop", state);
            evaluator.assign(node.target(), item, inner);
            if (nested(node.body(), inner, out) == Flow.BREAK) {
                break;
            }
        }
        if (empty) {
            nested(node.otherwise(), new Scope(scope), out);
        }
    }

    /** The items of a loop for which its {@code if} holds, asked for one by one. */
    private final class Selected implements Iterator<Value> {
        private final Node.For node;
        private final Node.Expression condition;
        private final Scope scope;
        private final Iterator<Value> all;
        private @Nullable Value next;

        Selected(Node.For node, Node.Expression condition, Scope scope, Iterator<Value> all) {
            this.node = node;
            this.condition = condition;
            this.scope = scope;
            this.all = all;
        }

        @Override
        public boolean hasNext() {
            while (next == null && all.hasNext()) {
                rendering.step();
                Value item = all.next();
                Scope inner = new Scope(scope);
                evaluator.assign(node.target(), item, inner);
                if (Values.truth(evaluator.evaluate(condition, inner))) {
                    next = item;
                }
            }
            return next != null;
        }

        @Override
        public Value next() {
            if (!hasNext() || next == null) {
                throw new NoSuchElementException();
            }
            Value item = next;
            next = null;
            return item;
        }
    }

    /** A macro, or the body of a call block, as a function that sees the names around its definition. */
    private Function function(Signature signature, Scope scope) {
        return new Function(signature.name(), (rendering, arguments) -> {
            rendering.steps(2 * Rendering.OBJECT);
            Scope inner = new Scope(scope);
            bind(signature, arguments, inner);
            TextBuilder out = new TextBuilder(rendering);
            rendering.enter(); // once more, as a call takes more of the stack than a block
            nested(signature.body(), inner, out);
            rendering.exit();
            return out.build();
        });
    }

    private void bind(Signature signature, Arguments arguments, Scope inner) {
        List<String> parameters = signature.parameters();
        List<Value> positional = arguments.positional();
        Map<String, Value> named = new LinkedHashMap<>(arguments.named());
        int firstDefault = parameters.size() - signature.defaults().size();
        for (int i = 0; i < parameters.size(); i++) {
            String parameter = parameters.get(i);
            Value value = i < positional.size() ? positional.get(i) : named.remove(parameter);
            if (value == null && i >= firstDefault) {
                value = evaluator.evaluate(signature.defaults().get(i - firstDefault), inner);
            }
            if (value == null) {
                value = new Undefined("parameter '" + parameter + "' was not provided");
            }
            inner.set(parameter, value);
        }
        if (signature.usesCaller() && !parameters.contains("caller")) {
            Value caller = named.remove("caller");
            inner.set("caller", caller == null ? new Undefined("No caller defined") : caller);
        }
        if (signature.usesKwargs()) {
            DictValue rest = new DictValue();
            named.forEach(rest::put);
            inner.set("kwargs", rest);
        } else if (!named.isEmpty()) {
            throw new TemplateError("macro '" + signature.name() + "' takes no keyword argument '"
                    + named.keySet().iterator().next() + "'");
        }
        int extra = positional.size() - parameters.size();
        if (signature.usesVarargs()) {
            inner.set(
                    "varargs",
                    ListValue.tuple(
                            extra > 0
                                    ? new ArrayList<>(positional.subList(parameters.size(), positional.size()))
                                    : List.of()));
        } else if (extra > 0) {
            throw new TemplateError(
                    "macro '" + signature.name() + "' takes not more than " + parameters.size() + " argument(s)");
        }
    }
}
