package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Bool;
import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Lazy;
import dev.nibble.chat.jinja.Value.Namespace;
import dev.nibble.chat.jinja.Value.None;
import dev.nibble.chat.jinja.Value.Range;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import dev.nibble.chat.jinja.Value.View;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import org.jspecify.annotations.Nullable;

/** What every value can be asked: truth, type, length, items, and its reading as a number. */
final class Values {
    private static final BigInteger INT_MAX = BigInteger.valueOf(Integer.MAX_VALUE);

    private Values() {}

    static boolean truth(Value value) {
        return switch (value) {
            case None none -> false;
            case Undefined undefined -> false;
            case Bool bool -> bool == Bool.TRUE;
            case Int number -> number.value().signum() != 0;
            case Real real -> real.value() != 0;
            case Text text -> !text.isEmpty();
            case ListValue list -> list.size() != 0;
            case DictValue dict -> dict.size() != 0;
            case View view -> view.dict().size() != 0;
            case Range range -> range.size() != 0;
            case Lazy lazy -> true;
            case Namespace namespace -> true;
            case Function function -> true;
            case LoopState loop -> loop.size() != 0;
        };
    }

    /** The name of the type, as Python's messages give it. */
    static String typeName(Value value) {
        return switch (value) {
            case None none -> "NoneType";
            case Undefined undefined -> "Undefined";
            case Bool bool -> "bool";
            case Int number -> "int";
            case Real real -> "float";
            case Text text -> "str";
            case ListValue list -> list.isTuple() ? "tuple" : "list";
            case DictValue dict -> "dict";
            case View view ->
                switch (view.part()) {
                    case KEYS -> "dict_keys";
                    case VALUES -> "dict_values";
                    case ITEMS -> "dict_items";
                };
            case Range range -> "range";
            case Lazy lazy -> "generator";
            case Namespace namespace -> "Namespace";
            case Function function -> "function";
            case LoopState loop -> "LoopContext";
        };
    }

    /** The length that {@code length} reports, or -1 for a value that has none. */
    static int sizeOrNone(Value value) {
        return switch (value) {
            case Text text -> text.codePoints();
            case ListValue list -> list.size();
            case DictValue dict -> dict.size();
            case View view -> view.dict().size();
            case Range range -> range.size();
            case Undefined undefined -> 0;
            case LoopState loop -> loop.size();
            default -> -1;
        };
    }

    static int size(Value value) {
        int size = sizeOrNone(value);
        if (size < 0) {
            throw new TemplateError("object of type '" + typeName(value) + "' has no len()");
        }
        return size;
    }

    /** Walks the items; each counts as a step. */
    static Iterator<Value> iterate(Rendering rendering, Value value) {
        return switch (value) {
            case ListValue list -> new Counting(rendering, list);
            case Text text -> new CodePoints(rendering, text);
            case DictValue dict -> entries(rendering, dict, View.Part.KEYS).iterator();
            case View view -> entries(rendering, view.dict(), view.part()).iterator();
            case Range range -> items(rendering, range).iterator();
            case Lazy lazy -> lazy.iterator();
            case Undefined undefined -> List.<Value>of().iterator();
            default -> throw new TemplateError("'" + typeName(value) + "' object is not iterable");
        };
    }

    static boolean isIterable(Value value) {
        return switch (value) {
            case ListValue list -> true;
            case Text text -> true;
            case DictValue dict -> true;
            case View view -> true;
            case Range range -> true;
            case Lazy lazy -> true;
            case Undefined undefined -> true;
            case LoopState loop -> true;
            default -> false;
        };
    }

    /** The items as a new list. */
    static List<Value> toList(Rendering rendering, Value value) {
        List<Value> all = new ArrayList<>();
        iterate(rendering, value).forEachRemaining(item -> {
            rendering.step();
            all.add(item);
        });
        return all;
    }

    private static List<Value> items(Rendering rendering, Range range) {
        rendering.steps((long) Rendering.OBJECT * range.size());
        List<Value> all = new ArrayList<>(range.size());
        for (int i = 0; i < range.size(); i++) {
            all.add(range.get(i));
        }
        return all;
    }

    private static List<Value> entries(Rendering rendering, DictValue dict, View.Part part) {
        rendering.steps((long) Rendering.OBJECT * dict.size());
        List<Value> all = new ArrayList<>(dict.size());
        for (DictValue.Entry entry : dict.entries()) {
            all.add(
                    switch (part) {
                        case KEYS -> entry.key();
                        case VALUES -> entry.value();
                        case ITEMS -> ListValue.tuple(entry.key(), entry.value());
                    });
        }
        return all;
    }

    /** The value as an integer where Python takes one (int and bool), else null. */
    static @Nullable BigInteger integer(Value value) {
        return switch (value) {
            case Int number -> number.value();
            case Bool bool -> bool == Bool.TRUE ? BigInteger.ONE : BigInteger.ZERO;
            default -> null;
        };
    }

    static boolean isNumber(Value value) {
        return value instanceof Int || value instanceof Bool || value instanceof Real;
    }

    /** The value as a double; for numbers only. */
    static double real(Value value) {
        if (value instanceof Real real) {
            return real.value();
        }
        BigInteger number = integer(value);
        if (number == null) {
            throw new TemplateError("must be real number, not " + typeName(value));
        }
        double result = number.doubleValue();
        if (Double.isInfinite(result)) {
            throw new TemplateError("int too large to convert to float");
        }
        return result;
    }

    /** An argument that has to be an integer, held to what an index can be. */
    static int intArgument(@Nullable Value value, int fallback) {
        if (value == null) {
            return fallback;
        }
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        BigInteger number = integer(value);
        if (number == null) {
            throw new TemplateError("'" + typeName(value) + "' object cannot be interpreted as an integer");
        }
        return clamp(number);
    }

    /** The integer, or the nearest that fits an index with room to spare. */
    static int clamp(BigInteger number) {
        if (number.abs().compareTo(INT_MAX) < 0) {
            return number.intValue();
        }
        return number.signum() < 0 ? -Integer.MAX_VALUE : Integer.MAX_VALUE;
    }

    static boolean boolArgument(@Nullable Value value, boolean fallback) {
        return value == null ? fallback : truth(value);
    }

    /** An argument that has to be a string. */
    static Text textArgument(Value value, String what) {
        if (value instanceof Text text) {
            return text;
        }
        if (value instanceof Undefined undefined) {
            throw undefined.error();
        }
        throw new TemplateError(what + " must be str, not " + typeName(value));
    }

    static boolean isNone(@Nullable Value value) {
        return value == null || value == None.NONE;
    }

    /** Walks a list by index, so that a template may append to it meanwhile. */
    private static final class Counting implements Iterator<Value> {
        private final Rendering rendering;
        private final ListValue list;
        private int next;

        Counting(Rendering rendering, ListValue list) {
            this.rendering = rendering;
            this.list = list;
        }

        @Override
        public boolean hasNext() {
            return next < list.size();
        }

        @Override
        public Value next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            rendering.step();
            return list.get(next++);
        }
    }

    /** Walks the characters of a text. */
    private static final class CodePoints implements Iterator<Value> {
        private final Rendering rendering;
        private final Text text;
        private int next;

        CodePoints(Rendering rendering, Text text) {
            this.rendering = rendering;
            this.text = text;
        }

        @Override
        public boolean hasNext() {
            return next < text.length();
        }

        @Override
        public Value next() {
            if (!hasNext()) {
                throw new NoSuchElementException();
            }
            rendering.steps(Rendering.OBJECT);
            int from = next;
            next += Character.charCount(text.value().codePointAt(from));
            return text.slice(from, next).asMarkup(false);
        }
    }
}
