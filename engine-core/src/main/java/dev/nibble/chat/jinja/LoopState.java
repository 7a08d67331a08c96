package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Undefined;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The {@code loop} variable. It reads ahead only when the template asks for what lies ahead, as Jinja does. */
final class LoopState implements Value {
    private final Rendering rendering;
    private final int depth; // from 0, for recursive loops
    private final Function.@Nullable Body recursion;
    private Iterator<Value> items;
    private int size; // -1 until known
    private int index = -1;
    private @Nullable Value previous;
    private @Nullable Value current;
    private @Nullable Value ahead;
    private @Nullable ListValue lastChanged;

    /**
     * @param size the number of items, or -1 when only reading them all tells
     * @param recursion what calling {@code loop(items)} does, or null for a loop that is not recursive
     */
    LoopState(Rendering rendering, Iterator<Value> items, int size, int depth, Function.@Nullable Body recursion) {
        this.rendering = rendering;
        this.items = items;
        this.size = size;
        this.depth = depth;
        this.recursion = recursion;
    }

    /** Moves to the next item; null when there is none. */
    @Nullable Value advance() {
        Value next = peek();
        ahead = null;
        if (next != null) {
            rendering.step();
            previous = current;
            current = next;
            index++;
        }
        return next;
    }

    private @Nullable Value peek() {
        if (ahead == null && items.hasNext()) {
            ahead = items.next();
        }
        return ahead;
    }

    int index() {
        return index + 1;
    }

    int size() {
        if (size < 0) {
            List<Value> rest = new ArrayList<>();
            items.forEachRemaining(rest::add);
            items = rest.iterator();
            size = rest.size() + index() + (ahead == null ? 0 : 1);
        }
        return size;
    }

    /** An attribute of the loop; null when it has no such attribute. */
    @Nullable Value attribute(String name) {
        return switch (name) {
            case "index" -> Int.of(index());
            case "index0" -> Int.of(index);
            case "revindex" -> Int.of(size() - index);
            case "revindex0" -> Int.of(size() - index());
            case "first" -> Bool.of(index == 0);
            case "last" -> Bool.of(peek() == null);
            case "length" -> Int.of(size());
            case "depth" -> Int.of(depth + 1);
            case "depth0" -> Int.of(depth);
            case "previtem" -> orUndefined(previous, "there is no previous item");
            case "nextitem" -> orUndefined(peek(), "there is no next item");
            case "cycle" -> new Function("cycle", (rendering, arguments) -> cycle(arguments));
            case "changed" -> new Function("changed", (rendering, arguments) -> changed(arguments));
            default -> null;
        };
    }

    private static Value orUndefined(@Nullable Value value, String hint) {
        return value == null ? new Undefined(hint) : value;
    }

    private Value cycle(Arguments arguments) {
        if (arguments.positional().isEmpty()) {
            throw new TemplateError("no items for cycling given");
        }
        return arguments.positional().get(index % arguments.positional().size());
    }

    private Value changed(Arguments arguments) {
        ListValue now = ListValue.tuple(arguments.positional());
        boolean changed = lastChanged == null || !Comparison.equal(rendering, lastChanged, now);
        lastChanged = now;
        return Bool.of(changed);
    }

    /** {@code loop(items)} of a recursive loop. */
    Value recurse(Arguments arguments) {
        if (recursion == null) {
            throw new TemplateError("the loop must have the 'recursive' marker to be called");
        }
        return recursion.call(rendering, arguments);
    }
}
