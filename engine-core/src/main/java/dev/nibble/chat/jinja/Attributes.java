package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Range;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** {@code target.name}, {@code target[index]} and slices. */
final class Attributes {
    private Attributes() {}

    /** {@code target.name}: a method or attribute first, then the item of that name. */
    static Value attribute(Rendering rendering, Value target, String name) {
        Value found = own(rendering, target, name);
        if (found == null && target instanceof DictValue dict) {
            found = dict.get(name);
        }
        return found == null ? missing(target, Text.of(name)) : found;
    }

    /** {@code target[index]}: an item first, then the method or attribute of that name. */
    static Value item(Rendering rendering, Value target, Value index) {
        Value found = switch (target) {
            case DictValue dict -> dict.get(index);
            case ListValue list -> {
                int i = position(index, list.size());
                yield i < 0 ? null : list.get(i);
            }
            case Text text -> {
                int i = Values.integer(index) == null ? -1 : position(index, text.codePoints());
                rendering.steps(text.indexCost() >> 6);
                yield i < 0 ? null : text.slice(text.offset(i), text.offset(i + 1));
            }
            case Range range -> {
                int i = position(index, range.size());
                yield i < 0 ? null : range.get(i);
            }
            default -> null;
        };
        if (found == null && index instanceof Text name) {
            found = own(rendering, target, name.value());
        }
        return found == null ? missing(target, index) : found;
    }

    /** The item that {@code attribute="a.b.0"} of a filter names. */
    static Value path(Rendering rendering, Value target, List<Value> parts, @Nullable Value fallback) {
        Value value = target;
        for (Value part : parts) {
            value = item(rendering, value, part);
            if (fallback != null && fallback != None.NONE && value instanceof Undefined) {
                value = fallback;
            }
        }
        return value;
    }

    /** Splits {@code a.b.0} for {@link #path}. */
    static List<Value> parts(@Nullable Value attribute) {
        if (Values.isNone(attribute)) {
            return List.of();
        }
        if (!(attribute instanceof Text text)) {
            return attribute == null ? List.of() : List.of(attribute);
        }
        List<Value> parts = new ArrayList<>();
        for (String part : text.value().split("\\.", -1)) {
            boolean number =
                    !part.isEmpty() && part.length() < 10 && part.chars().allMatch(c -> c >= '0' && c <= '9');
            parts.add(number ? Value.Int.of(Long.parseLong(part)) : Text.of(part));
        }
        return parts;
    }

    /** A method or attribute that the value has whatever its items are; null when there is none. */
    static @Nullable Value own(Rendering rendering, Value target, String name) {
        if (target instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (name.startsWith("__") && !(target instanceof DictValue dict && dict.get(name) != null)) {
            return new Undefined(
                    "access to attribute '" + name + "' of '" + Values.typeName(target) + "' object is unsafe.");
        }
        return switch (target) {
            case Text text -> {
                TextMethods.Method method = TextMethods.find(name);
                yield method == null
                        ? null
                        : new Function(name, (r, arguments) -> TextMethods.call(r, method, text, arguments));
            }
            case DictValue dict -> {
                CollectionMethods.Method<DictValue> method = CollectionMethods.ofDict(name);
                yield method == null ? null : new Function(name, (r, arguments) -> method.call(r, dict, arguments));
            }
            case ListValue list -> {
                if (list.isGroup() && name.equals("grouper")) {
                    yield list.get(0);
                }
                if (list.isGroup() && name.equals("list")) {
                    yield list.get(1);
                }
                CollectionMethods.Method<ListValue> method = CollectionMethods.ofList(name, list.isTuple());
                yield method == null ? null : new Function(name, (r, arguments) -> method.call(r, list, arguments));
            }
            case Value.Namespace namespace -> namespace.attributes().get(name);
            case LoopState loop -> loop.attribute(name);
            case Function function -> name.equals("name") ? Text.of(function.name()) : null;
            default -> null;
        };
    }

    static Undefined missing(Value target, Value index) {
        if (target instanceof Undefined undefined) {
            throw undefined.error();
        }
        String owner = target == None.NONE ? "None" : Values.typeName(target) + " object";
        if (index instanceof Text name) {
            return new Undefined("'" + owner + "' has no attribute '" + name.value() + "'");
        }
        BigInteger number = Values.integer(index);
        return new Undefined(owner + " has no element " + (number == null ? Values.typeName(index) : number));
    }

    /** The place of an index that may count from the end; -1 when it is outside or not an integer. */
    private static int position(Value index, int size) {
        BigInteger number = Values.integer(index);
        if (number == null) {
            return -1;
        }
        int i = Values.clamp(number);
        int place = i < 0 ? i + size : i;
        return place >= 0 && place < size ? place : -1;
    }

    /** {@code target[from:to:step]}; a part that was left out is None. */
    static Value slice(Rendering rendering, Value target, Value from, Value to, Value step) {
        if (target instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (!(target instanceof Text || target instanceof ListValue || target instanceof Range)) {
            throw new TemplateError("'" + Values.typeName(target) + "' object is not subscriptable");
        }
        int size = Values.size(target);
        int stride = bound(step, 1);
        if (stride == 0) {
            throw new TemplateError("slice step cannot be zero");
        }
        int low = stride > 0 ? 0 : -1;
        int high = stride > 0 ? size : size - 1;
        int start = clip(bound(from, stride > 0 ? low : high), from, size, low, high);
        int stop = clip(bound(to, stride > 0 ? high : low), to, size, low, high);
        if (target instanceof Text text) {
            rendering.steps(text.indexCost() >> 6);
            if (stride == 1) {
                return start >= stop ? Text.EMPTY : text.slice(text.offset(start), text.offset(stop));
            }
            TextBuilder out = new TextBuilder(rendering);
            int[] offsets = offsets(rendering, text, size);
            for (long i = start; stride > 0 ? i < stop : i > stop; i += stride) {
                rendering.step();
                out.append(text, offsets[(int) i], offsets[(int) i + 1]);
            }
            return out.build();
        }
        if (target instanceof Range range) {
            return new Range(
                    range.start() + start * range.step(), range.start() + stop * range.step(), range.step() * stride);
        }
        ListValue list = (ListValue) target;
        List<Value> items = new ArrayList<>();
        for (long i = start; stride > 0 ? i < stop : i > stop; i += stride) {
            rendering.step();
            items.add(list.get((int) i));
        }
        return list.like(items);
    }

    /** The UTF-16 index of each code point, and the end. */
    private static int[] offsets(Rendering rendering, Text text, int size) {
        rendering.steps(size >> 4);
        int[] offsets = new int[size + 1];
        for (int i = 0, at = 0; i < size; i++) {
            offsets[i] = at;
            at += Character.charCount(text.value().codePointAt(at));
            offsets[i + 1] = at;
        }
        return offsets;
    }

    private static int bound(Value value, int fallback) {
        if (value == None.NONE) {
            return fallback;
        }
        if (Values.integer(value) == null) {
            throw value instanceof Undefined undefined
                    ? undefined.error()
                    : new TemplateError("slice indices must be integers or None");
        }
        return Values.intArgument(value, fallback);
    }

    private static int clip(int bound, Value given, int size, int low, int high) {
        if (given == None.NONE) {
            return bound;
        }
        int place = bound < 0 ? bound + size : bound;
        return Math.max(low, Math.min(high, place));
    }
}
