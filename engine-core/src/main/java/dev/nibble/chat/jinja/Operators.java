package dev.nibble.chat.jinja;

import dev.nibble.chat.jinja.Value.Int;
import dev.nibble.chat.jinja.Value.Real;
import dev.nibble.chat.jinja.Value.Undefined;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;

/** The arithmetic operators, with Python's rules: {@code /} is always a float, {@code //} and {@code %} round down. */
final class Operators {
    /** The most bits an integer may have. Python has no bound; no template needs more. */
    static final int MAX_BITS = 10_000;

    private static final BigInteger LONG_MIN = BigInteger.valueOf(Long.MIN_VALUE);
    private static final BigInteger LONG_MAX = BigInteger.valueOf(Long.MAX_VALUE);

    private Operators() {}

    static Value apply(Rendering rendering, String operator, Value left, Value right) {
        if (operator.equals("%") && left instanceof Text format) {
            return PercentFormat.format(rendering, format, right);
        }
        if (left instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.error();
        }
        if (Values.isNumber(left) && Values.isNumber(right)) {
            return number(operator, left, right);
        }
        if (operator.equals("+")) {
            return concatenation(rendering, left, right);
        }
        if (operator.equals("*")) {
            BigInteger times = Values.integer(right);
            if (times != null && (left instanceof Text || left instanceof ListValue)) {
                return repeat(rendering, left, times);
            }
            times = Values.integer(left);
            if (times != null && (right instanceof Text || right instanceof ListValue)) {
                return repeat(rendering, right, times);
            }
        }
        throw unsupported(operator, left, right);
    }

    private static TemplateError unsupported(String operator, Value left, Value right) {
        String shown = operator.equals("**") ? "** or pow()" : operator;
        return new TemplateError("unsupported operand type(s) for " + shown + ": '" + Values.typeName(left) + "' and '"
                + Values.typeName(right) + "'");
    }

    private static Value concatenation(Rendering rendering, Value left, Value right) {
        if (left instanceof Text a && right instanceof Text b) {
            boolean markup = a.isMarkup() || b.isMarkup();
            Text first = markup ? TextFilters.escape(rendering, a) : a;
            Text second = markup ? TextFilters.escape(rendering, b) : b;
            return new TextBuilder(rendering)
                    .append(first)
                    .append(second)
                    .build()
                    .asMarkup(markup);
        }
        if (left instanceof ListValue a && right instanceof ListValue b && a.isTuple() == b.isTuple()) {
            rendering.steps(((long) a.size() + b.size()) >> 3);
            return a.plus(b);
        }
        if (left instanceof Text) {
            throw new TemplateError("can only concatenate str (not \"" + Values.typeName(right) + "\") to str");
        }
        if (left instanceof ListValue) {
            String type = Values.typeName(left);
            throw new TemplateError(
                    "can only concatenate " + type + " (not \"" + Values.typeName(right) + "\") to " + type);
        }
        throw unsupported("+", left, right);
    }

    private static Value repeat(Rendering rendering, Value sequence, BigInteger times) {
        int count = Math.max(0, Values.clamp(times));
        if (sequence instanceof Text text) {
            return new TextBuilder(rendering).repeat(text, count).build();
        }
        ListValue list = (ListValue) sequence;
        if (list.size() == 0) {
            count = 0;
        }
        rendering.steps((long) count * list.size());
        List<Value> all = new ArrayList<>(count * list.size());
        for (int i = 0; i < count; i++) {
            all.addAll(list.items());
        }
        return list.like(all);
    }

    private static Value number(String operator, Value left, Value right) {
        BigInteger a = Values.integer(left);
        BigInteger b = Values.integer(right);
        if (a == null || b == null) {
            return new Real(reals(operator, Values.real(left), Values.real(right)));
        }
        return switch (operator) {
            case "+" -> integer(a.add(b));
            case "-" -> integer(a.subtract(b));
            case "*" -> integer(a.multiply(b)); // operands are bounded, so the product is
            case "/" -> new Real(trueDivision(a, b));
            case "//" -> integer(floorDivision(a, b, "integer division or modulo by zero")[0]);
            case "%" -> integer(floorDivision(a, b, "integer modulo by zero")[1]);
            case "**" -> power(a, b);
            default -> throw unsupported(operator, left, right);
        };
    }

    private static double reals(String operator, double a, double b) {
        if (b == 0 && "/%".contains(operator.substring(0, 1))) {
            throw new TemplateError(
                    switch (operator) {
                        case "/" -> "float division by zero";
                        case "//" -> "float floor division by zero";
                        default -> "float modulo";
                    });
        }
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / b;
            case "//" -> floorQuotient(a, b);
            case "%" -> floorRemainder(a, b);
            default -> power(a, b);
        };
    }

    static Value integer(BigInteger value) {
        if (value.bitLength() > MAX_BITS) {
            throw new TemplateError("an integer grew beyond " + MAX_BITS + " bits");
        }
        return new Int(value);
    }

    private static double trueDivision(BigInteger a, BigInteger b) {
        if (b.signum() == 0) {
            throw new TemplateError("division by zero");
        }
        if (a.bitLength() <= 53 && b.bitLength() <= 53) {
            return a.doubleValue() / b.doubleValue();
        }
        double quotient =
                new BigDecimal(a).divide(new BigDecimal(b), new MathContext(60)).doubleValue();
        if (Double.isInfinite(quotient)) {
            throw new TemplateError("integer division result too large for a float");
        }
        return quotient;
    }

    private static BigInteger[] floorDivision(BigInteger a, BigInteger b, String zero) {
        if (b.signum() == 0) {
            throw new TemplateError(zero);
        }
        BigInteger[] result = a.divideAndRemainder(b);
        if (result[1].signum() != 0 && result[1].signum() != b.signum()) {
            result[0] = result[0].subtract(BigInteger.ONE);
            result[1] = result[1].add(b);
        }
        return result;
    }

    private static double floorRemainder(double a, double b) {
        double remainder = a % b;
        if (remainder == 0) {
            return Math.copySign(0.0, b);
        }
        return remainder < 0 != b < 0 ? remainder + b : remainder;
    }

    private static double floorQuotient(double a, double b) {
        double quotient = (a - floorRemainder(a, b)) / b;
        if (quotient == 0) {
            return Math.copySign(0.0, a / b);
        }
        double floor = Math.floor(quotient);
        return quotient - floor > 0.5 ? floor + 1 : floor;
    }

    private static Value power(BigInteger base, BigInteger exponent) {
        if (exponent.signum() < 0) {
            return new Real(power(Values.real(new Int(base)), Values.real(new Int(exponent))));
        }
        if (base.bitLength() <= 1 && base.signum() >= 0) {
            return new Int(exponent.signum() == 0 ? BigInteger.ONE : base); // 0 and 1
        }
        if (base.equals(BigInteger.ONE.negate())) {
            return new Int(exponent.testBit(0) ? base : BigInteger.ONE);
        }
        if (exponent.bitLength() > 20 || (long) base.bitLength() * exponent.intValue() > 2L * MAX_BITS) {
            throw new TemplateError("an integer grew beyond " + MAX_BITS + " bits");
        }
        return integer(base.pow(exponent.intValue()));
    }

    private static double power(double a, double b) {
        if (a == 0 && b < 0) {
            throw new TemplateError("0.0 cannot be raised to a negative power");
        }
        if (a < 0 && b != Math.rint(b) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
            throw TemplateError.unsupported("complex numbers");
        }
        if (a == 1) {
            return 1;
        }
        double result = Math.pow(a, b);
        if (Double.isInfinite(result) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
            throw new TemplateError("numerical result out of range");
        }
        return a == -1 && Double.isInfinite(b) ? 1 : result;
    }

    static Value negate(Value value) {
        if (value instanceof Real real) {
            return new Real(-real.value());
        }
        BigInteger number = Values.integer(value);
        if (number != null) {
            return new Int(number.negate());
        }
        throw badOperand("-", value);
    }

    static Value plus(Value value) {
        if (value instanceof Real) {
            return value;
        }
        BigInteger number = Values.integer(value);
        if (number != null) {
            return new Int(number);
        }
        throw badOperand("+", value);
    }

    private static TemplateError badOperand(String operator, Value value) {
        return value instanceof Undefined undefined
                ? undefined.error()
                : new TemplateError("bad operand type for unary " + operator + ": '" + Values.typeName(value) + "'");
    }

    /** The integer as a long, or an error that names the bound. */
    static long longValue(BigInteger number) {
        if (number.compareTo(LONG_MIN) < 0 || number.compareTo(LONG_MAX) > 0) {
            throw new TemplateError("the integer " + number + " does not fit 64 bits");
        }
        return number.longValue();
    }
}
