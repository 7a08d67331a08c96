package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Range;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import dev.nibble.chat.jinja.Value.View;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/** Equality, order and membership as Python defines them. */
final class Comparison {
    private Comparison() {}

    static boolean equal(Rendering rendering, Value left, Value right) {
        rendering.step();
        return switch (left) {
            case Int a -> numbersEqual(a, right);
            case Bool a -> numbersEqual(a, right);
            case Real a -> numbersEqual(a, right);
            case Text a -> {
                rendering.reads(a);
                yield right instanceof Text b && a.value().equals(b.value());
            }
            case Undefined a -> right instanceof Undefined;
            case ListValue a -> right instanceof ListValue b && listsEqual(rendering, a, b);
            case DictValue a -> right instanceof DictValue b && dictsEqual(rendering, a, b);
            case Range a ->
                right instanceof Range b
                        && listsEqual(
                                rendering,
                                ListValue.list(Values.toList(rendering, a)),
                                ListValue.list(Values.toList(rendering, b)));
            case View a -> right instanceof View b && viewsEqual(rendering, a, b);
            default -> left == right || left instanceof Function && left.equals(right);
        };
    }

    private static boolean numbersEqual(Value left, Value right) {
        return Values.isNumber(right) && numberOrder(left, right) == 0;
    }

    private static boolean listsEqual(Rendering rendering, ListValue left, ListValue right) {
        if (left == right) {
            return true;
        }
        if (left.isTuple() != right.isTuple() || left.size() != right.size()) {
            return false;
        }
        rendering.enter();
        boolean same = true;
        for (int i = 0; same && i < left.size(); i++) {
            same = equal(rendering, left.get(i), right.get(i));
        }
        rendering.exit();
        return same;
    }

    private static boolean dictsEqual(Rendering rendering, DictValue left, DictValue right) {
        if (left == right) {
            return true;
        }
        if (left.size() != right.size()) {
            return false;
        }
        rendering.enter();
        boolean same = true;
        for (Iterator<DictValue.Entry> all = left.entries().iterator(); same && all.hasNext(); ) {
            DictValue.Entry entry = all.next();
            Value other = right.get(entry.key());
            same = other != null && equal(rendering, entry.value(), other);
        }
        rendering.exit();
        return same;
    }

    private static boolean viewsEqual(Rendering rendering, View left, View right) {
        if (left.part() == View.Part.VALUES || right.part() == View.Part.VALUES) {
            return left == right;
        }
        List<Value> others = Values.toList(rendering, right);
        if (left.dict().size() != others.size()) {
            return false;
        }
        ListValue list = ListValue.list(others);
        for (Value item : Values.toList(rendering, left)) {
            if (!contains(rendering, list, item)) {
                return false;
            }
        }
        return true;
    }

    /** {@code needle in container}. */
    static boolean contains(Rendering rendering, Value container, Value needle) {
        return switch (container) {
            case Text text -> {
                if (!(needle instanceof Text part)) {
                    if (needle instanceof Undefined) {
                        throw new TemplateError("'in <string>' requires string as left operand, not Undefined");
                    }
                    throw new TemplateError(
                            "'in <string>' requires string as left operand, not " + Values.typeName(needle));
                }
                rendering.searches(text, part);
                yield text.value().contains(part.value());
            }
            case DictValue dict -> dict.contains(needle);
            case View view when view.part() == View.Part.KEYS -> view.dict().contains(needle);
            default -> {
                if (!Values.isIterable(container)) {
                    throw new TemplateError("argument of type '" + Values.typeName(container) + "' is not iterable");
                }
                for (Iterator<Value> items = Values.iterate(rendering, container); items.hasNext(); ) {
                    Value item = items.next();
                    if (item == needle || equal(rendering, needle, item)) {
                        yield true;
                    }
                }
                yield false;
            }
        };
    }

    /** Whether {@code left operator right} for one of {@code < <= > >=}. */
    static boolean ordered(Rendering rendering, String operator, Value left, Value right) {
        rendering.step();
        if (Values.isNumber(left) && Values.isNumber(right)) {
            if (isNan(left) || isNan(right)) {
                return false;
            }
            return holds(operator, numberOrder(left, right));
        }
        if (left instanceof Text a && right instanceof Text b) {
            rendering.reads(a);
            return holds(operator, codePointOrder(a.value(), b.value()));
        }
        if (left instanceof ListValue a && right instanceof ListValue b && a.isTuple() == b.isTuple()) {
            rendering.enter();
            try {
                int common = Math.min(a.size(), b.size());
                for (int i = 0; i < common; i++) {
                    if (!equal(rendering, a.get(i), b.get(i))) {
                        return ordered(rendering, operator, a.get(i), b.get(i));
                    }
                }
                return holds(operator, Integer.compare(a.size(), b.size()));
            } finally {
                rendering.exit();
            }
        }
        if (left instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateError("'" + operator + "' not supported between instances of '" + Values.typeName(left)
                + "' and '" + Values.typeName(right) + "'");
    }

    private static boolean holds(String operator, int order) {
        return switch (operator) {
            case "<" -> order < 0;
            case "<=" -> order <= 0;
            case ">" -> order > 0;
            default -> order >= 0;
        };
    }

    private static boolean isNan(Value value) {
        return value instanceof Real real && Double.isNaN(real.value());
    }

    /** The exact order of two numbers; what a NaN gives only has to differ from 0. */
    private static int numberOrder(Value left, Value right) {
        BigInteger a = Values.integer(left);
        BigInteger b = Values.integer(right);
        if (a != null && b != null) {
            return a.compareTo(b);
        }
        double x = left instanceof Real real ? real.value() : 0;
        double y = right instanceof Real real ? real.value() : 0;
        if (Double.isNaN(x) || Double.isNaN(y)) {
            return -1;
        }
        if (a != null) {
            return Double.isInfinite(y) ? (y > 0 ? -1 : 1) : new BigDecimal(a).compareTo(new BigDecimal(y));
        }
        if (b != null) {
            return Double.isInfinite(x) ? (x > 0 ? 1 : -1) : new BigDecimal(x).compareTo(new BigDecimal(b));
        }
        return x < y ? -1 : x > y ? 1 : 0;
    }

    /** Python orders text by code point; UTF-16 order differs where surrogates meet the end of the basic plane. */
    static int codePointOrder(String left, String right) {
        int common = Math.min(left.length(), right.length());
        for (int i = 0; i < common; i++) {
            char a = left.charAt(i);
            char b = right.charAt(i);
            if (a != b) {
                boolean aHigh = Character.isSurrogate(a);
                boolean bHigh = Character.isSurrogate(b);
                return aHigh == bHigh ? Character.compare(a, b) : aHigh ? 1 : -1;
            }
        }
        return Integer.compare(left.length(), right.length());
    }

    /** A stable sort that, like Python's, asks only whether one key is less than another. */
    static List<Value> sort(Rendering rendering, List<Value> items, List<Value> keys, boolean reverse) {
        int size = items.size();
        int[] order = new int[size];
        for (int i = 0; i < size; i++) {
            order[i] = i;
        }
        int[] spare = new int[size];
        for (int width = 1; width < size; width *= 2) {
            for (int from = 0; from < size; from += 2 * width) {
                merge(
                        rendering,
                        keys,
                        reverse,
                        order,
                        spare,
                        from,
                        Math.min(from + width, size),
                        Math.min(from + 2 * width, size));
            }
            int[] swap = order;
            order = spare;
            spare = swap;
        }
        List<Value> sorted = new ArrayList<>(size);
        for (int index : order) {
            sorted.add(items.get(index));
        }
        return sorted;
    }

    private static void merge(
            Rendering rendering,
            List<Value> keys,
            boolean reverse,
            int[] from,
            int[] to,
            int start,
            int middle,
            int end) {
        int left = start;
        int right = middle;
        for (int i = start; i < end; i++) {
            boolean takeRight;
            if (left == middle || right == end) {
                takeRight = left == middle;
            } else {
                Value a = keys.get(from[left]);
                Value b = keys.get(from[right]);
                takeRight = reverse ? ordered(rendering, "<", a, b) : ordered(rendering, "<", b, a);
            }
            to[i] = takeRight ? from[right++] : from[left++];
        }
    }
}
