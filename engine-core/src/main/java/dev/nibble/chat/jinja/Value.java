package dev.nibble.chat.jinja;

import java.math.BigInteger;
import java.util.Iterator;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** A value of the template language, with the meaning Python gives it. */
sealed interface Value
        permits Value.None,
                Value.Bool,
                Value.Int,
                Value.Real,
                Value.Undefined,
                Value.Range,
                Value.Lazy,
                Value.Namespace,
                Value.View,
                Text,
                ListValue,
                DictValue,
                Function,
                LoopState {

    /** {@code None}. */
    enum None implements Value {
        NONE
    }

    /** {@code True} and {@code False}; they count as 1 and 0. */
    enum Bool implements Value {
        TRUE,
        FALSE;

        static Bool of(boolean value) {
            return value ? TRUE : FALSE;
        }
    }

    /** An integer of any size; arithmetic bounds how big it may grow. */
    record Int(BigInteger value) implements Value {
        static Int of(long value) {
            return new Int(BigInteger.valueOf(value));
        }
    }

    /** A float. */
    record Real(double value) implements Value {}

    /**
     * What a name or attribute that is not there evaluates to. It prints as nothing and is false; most other uses fail.
     *
     * @param hint the message of that failure
     */
    record Undefined(String hint) implements Value {
        TemplateError error() {
            return new TemplateError(hint);
        }
    }

    /** {@code range(...)}, never longer than {@link Globals#MAX_RANGE}. */
    record Range(long start, long stop, long step) implements Value {
        int size() {
            long span = step > 0 ? stop - start : start - stop;
            long stride = Math.abs(step);
            return span <= 0 ? 0 : (int) ((span + stride - 1) / stride);
        }

        Value get(int index) {
            return Int.of(start + index * step);
        }
    }

    /** A generator: can be walked once, has no length and is always true. */
    record Lazy(Iterator<Value> iterator) implements Value {

        /** A generator whose code runs, and fails, only when its first item is asked for. */
        static Lazy of(Supplier<Iterator<Value>> code) {
            return new Lazy(new Iterator<>() {
                private @Nullable Iterator<Value> items;

                private Iterator<Value> items() {
                    if (items == null) {
                        items = code.get();
                    }
                    return items;
                }

                @Override
                public boolean hasNext() {
                    return items().hasNext();
                }

                @Override
                public Value next() {
                    return items().next();
                }
            });
        }
    }

    /** {@code namespace(...)}: the one object whose attributes a template may set. */
    record Namespace(DictValue attributes) implements Value {}

    /** {@code dict.keys()}, {@code values()} or {@code items()}. */
    record View(DictValue dict, Part part) implements Value {
        enum Part {
            KEYS,
            VALUES,
            ITEMS
        }
    }
}
