package dev.nibble.constraint;

import dev.nibble.json.JsonReader;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** How the numbers of a {@link NumberShape} are written in JSON: with an exponent only where nothing bounds them. */
final class NumberTexts {
    /** Residues that are told apart at the most. */
    private static final int MAX_DIVISOR = 10_000;
    /** Digits of a bound at the most. */
    private static final int MAX_DIGITS = 400;
    /** Digits of an exponent at the most: what {@link JsonReader} reads back. */
    private static final int MAX_EXPONENT_DIGITS = 3;
    /** States of the automaton of a range at the most. */
    private static final int MAX_STATES = 12_000;

    private final Exprs exprs;
    private final Expr digit;
    private final Expr digits;
    private final Expr fraction;

    NumberTexts(Exprs exprs) {
        this.exprs = exprs;
        digit = exprs.bytes(ByteSet.range('0', '9'));
        digits = exprs.star(digit);
        fraction = exprs.optional(exprs.concat(exprs.literal("."), digit, digits));
    }

    /**
     * The texts of the numbers; nothing, if there is none.
     *
     * @throws ConstraintException if a bound or divisor needs too many states
     */
    Expr texts(NumberShape shape) {
        Expr whole = exprs.alternative(exprs.literal("0"), exprs.concat(exprs.bytes(ByteSet.range('1', '9')), digits));
        Expr sign = exprs.optional(exprs.literal("-"));
        if (shape.equals(NumberShape.ANY)) {
            Expr exponent = exprs.concat(
                    exprs.bytes(ByteSet.of('e').or(ByteSet.of('E'))),
                    exprs.optional(exprs.bytes(ByteSet.of('+').or(ByteSet.of('-')))),
                    exprs.repeat(digit, 1, MAX_EXPONENT_DIGITS));
            return exprs.concat(sign, whole, fraction, exprs.optional(exponent));
        }
        if (shape.equals(NumberShape.INTEGER)) {
            return exprs.alternative(
                    exprs.literal("0"), exprs.concat(sign, exprs.bytes(ByteSet.range('1', '9')), digits));
        }
        Expr positive = magnitudes(shape.low(), shape.lowOpen(), shape.high(), shape.highOpen(), shape, false);
        Expr negative = magnitudes(
                shape.high() == null ? null : shape.high().negate(),
                shape.highOpen(),
                shape.low() == null ? null : shape.low().negate(),
                shape.lowOpen(),
                shape,
                true);
        return exprs.alternative(positive, exprs.concat(exprs.literal("-"), negative));
    }

    /** Numbers without a sign within bounds, of which the lower may be negative; zero only where it needs no sign. */
    private Expr magnitudes(
            @Nullable BigDecimal low,
            boolean lowOpen,
            @Nullable BigDecimal high,
            boolean highOpen,
            NumberShape shape,
            boolean nonZero) {
        if (high != null && high.signum() < 0) {
            return exprs.nothing;
        }
        Expr whole = exprs.alternative(exprs.literal("0"), exprs.concat(exprs.bytes(ByteSet.range('1', '9')), digits));
        List<Expr> all = new ArrayList<>();
        all.add(shape.integer() ? whole : exprs.concat(whole, fraction));
        if (low != null && low.signum() >= 0) {
            all.add(compared(low, true, lowOpen));
        }
        if (high != null) {
            all.add(compared(high, false, highOpen));
        }
        if (nonZero) {
            all.add(compared(BigDecimal.ZERO, true, true));
        }
        for (BigDecimal divisor : shape.multiples()) {
            all.add(multiples(divisor));
        }
        return Automaton.determine(exprs, exprs.and(all.toArray(Expr[]::new)), MAX_STATES);
    }

    /** Numbers without a sign that are above or below a bound, which is 0 or more. */
    private Expr compared(BigDecimal bound, boolean above, boolean open) {
        BigDecimal plain = bound.stripTrailingZeros();
        if (plain.precision() + Math.abs((long) plain.scale()) > MAX_DIGITS) {
            throw new ConstraintException("the bound " + bound + " has too many digits to be enforced");
        }
        String whole = plain.setScale(0, RoundingMode.DOWN).toBigInteger().toString();
        String text = plain.toPlainString();
        String part = text.contains(".") ? text.substring(text.indexOf('.') + 1) : "";
        List<Expr> ways = new ArrayList<>();
        ways.add(exprs.concat(otherWhole(whole, above), fraction));
        ways.add(exprs.concat(exprs.literal(whole), fractionCompared(part, above, open)));
        return exprs.alternative(ways);
    }

    /** Whole numbers strictly above or below another. */
    private Expr otherWhole(String bound, boolean above) {
        List<Expr> ways = new ArrayList<>();
        int length = bound.length();
        if (above) {
            ways.add(exprs.concat(exprs.bytes(ByteSet.range('1', '9')), exprs.repeat(digit, length, Expr.UNBOUNDED)));
        } else if (length > 1) {
            ways.add(digit);
            ways.add(exprs.concat(exprs.bytes(ByteSet.range('1', '9')), exprs.repeat(digit, 0, length - 2)));
        }
        for (int i = 0; i < length; i++) {
            int low = above ? bound.charAt(i) + 1 : i == 0 && length > 1 ? '1' : '0';
            int high = above ? '9' : bound.charAt(i) - 1;
            if (low <= high) {
                ways.add(exprs.concat(
                        exprs.literal(bound.substring(0, i)),
                        exprs.bytes(ByteSet.range(low, high)),
                        exprs.repeat(digit, length - i - 1, length - i - 1)));
            }
        }
        return exprs.alternative(ways);
    }

    /** What may follow a whole number equal to that of the bound: nothing, or a point and a fraction. */
    private Expr fractionCompared(String part, boolean above, boolean open) {
        Expr rest = digitsCompared(part, 0, above, open);
        // A point needs a digit behind it; without one the fraction is zero.
        Expr first = Automaton.determine(exprs, exprs.and(rest, exprs.concat(digit, digits)), MAX_STATES);
        Expr withPoint = exprs.concat(exprs.literal("."), first);
        return rest.nullable ? exprs.optional(withPoint) : withPoint;
    }

    private Expr digitsCompared(String part, int at, boolean above, boolean open) {
        Expr zeros = exprs.star(exprs.literal("0"));
        if (at == part.length()) {
            Expr more = exprs.concat(zeros, exprs.bytes(ByteSet.range('1', '9')), digits);
            if (above) {
                return open ? more : digits;
            }
            return open ? exprs.nothing : zeros;
        }
        List<Expr> ways = new ArrayList<>();
        char c = part.charAt(at);
        if (above && c < '9') {
            ways.add(exprs.concat(exprs.bytes(ByteSet.range(c + 1, '9')), digits));
        }
        if (!above && c > '0') {
            ways.add(exprs.concat(exprs.bytes(ByteSet.range('0', c - 1)), digits));
        }
        ways.add(exprs.concat(exprs.bytes(ByteSet.of(c)), digitsCompared(part, at + 1, above, open)));
        // The text may end here: zeros follow, which are below a part that is not all zeros, as its last digit is none.
        if (!above) {
            ways.add(exprs.empty);
        }
        return exprs.alternative(ways);
    }

    /** Numbers without a sign that are multiples of {@code divisor}. */
    private Expr multiples(BigDecimal divisor) {
        BigDecimal plain = divisor.stripTrailingZeros();
        int scale = Math.max(0, plain.scale());
        BigInteger unit = plain.movePointRight(scale).toBigIntegerExact();
        if (unit.bitLength() > 31 || unit.intValue() > MAX_DIVISOR || scale > MAX_DIGITS) {
            throw new ConstraintException("multiples of " + divisor + " need too many states to be enforced");
        }
        return exprs.lazy(new Multiple(unit.intValue(), scale, -1, 0));
    }

    /**
     * Digits of a multiple of {@code unit}·10^-{@code scale}.
     *
     * @param places digits read behind the point, -1 before it
     * @param residue of the digits read
     */
    private record Multiple(int unit, int scale, int places, int residue) implements Expr.Generator {
        @Override
        public Expr expand(Exprs exprs) {
            List<Expr> ways = new ArrayList<>();
            for (int d = 0; d <= 9; d++) {
                Expr digit = exprs.bytes(ByteSet.of('0' + d));
                if (places < scale) {
                    int left = (int) ((10L * residue + d) % unit);
                    int place = places < 0 ? places : places + 1;
                    ways.add(exprs.concat(digit, exprs.lazy(new Multiple(unit, scale, place, left))));
                } else if (d == 0) {
                    ways.add(exprs.concat(digit, exprs.lazy(this)));
                }
            }
            if (places < 0) {
                ways.add(exprs.concat(exprs.literal("."), exprs.lazy(new Multiple(unit, scale, 0, residue))));
            }
            if (nullable()) {
                ways.add(exprs.empty);
            }
            return exprs.alternative(ways);
        }

        @Override
        public boolean nullable() {
            BigInteger padded = BigInteger.TEN.pow(scale - Math.max(0, places)).multiply(BigInteger.valueOf(residue));
            return padded.mod(BigInteger.valueOf(unit)).signum() == 0;
        }
    }
}
