package dev.nibble.chat.jinja;

import java.math.BigDecimal;
import java.math.MathContext;
import java.math.RoundingMode;
import java.util.Locale;

/** The float presentations {@code e f g} of Python's two format languages, correctly rounded. */
final class FloatFormat {
    /** The most digits after the point. Python has no bound; a float has no more than about 1100 that matter. */
    static final int MAX_PRECISION = 1_200;

    private FloatFormat() {}

    /**
     * The digits of a number without its sign.
     *
     * @param type {@code e}, {@code f} or {@code g}, or upper case
     * @param alternate keeps the trailing zeros of {@code g}
     */
    static String format(double value, char type, int precision, boolean alternate) {
        if (precision > MAX_PRECISION) {
            throw new TemplateError("a precision of " + precision + " is more than " + MAX_PRECISION);
        }
        boolean upper = Character.isUpperCase(type);
        double size = Math.abs(value);
        String digits;
        if (Double.isNaN(size) || Double.isInfinite(size)) {
            digits = Double.isNaN(size) ? "nan" : "inf";
        } else {
            BigDecimal exact = new BigDecimal(size);
            digits = switch (Character.toLowerCase(type)) {
                case 'f' -> exact.setScale(precision, RoundingMode.HALF_EVEN).toPlainString();
                case 'e' -> scientific(exact, precision);
                default -> general(exact, Math.max(1, precision), alternate);
            };
        }
        return upper ? digits.toUpperCase(Locale.ROOT) : digits;
    }

    private static String scientific(BigDecimal exact, int precision) {
        BigDecimal rounded = exact.round(new MathContext(precision + 1, RoundingMode.HALF_EVEN));
        boolean zero = rounded.signum() == 0;
        int exponent = zero ? 0 : rounded.precision() - 1 - rounded.scale();
        String digits = zero ? "0" : rounded.unscaledValue().toString();
        digits = digits.substring(0, Math.min(digits.length(), precision + 1));
        digits += "0".repeat(precision + 1 - digits.length());
        return digits.charAt(0) + (precision > 0 ? "." + digits.substring(1) : "") + exponent(exponent);
    }

    private static String exponent(int exponent) {
        int size = Math.abs(exponent);
        return (exponent < 0 ? "e-" : "e+") + (size < 10 ? "0" : "") + size;
    }

    private static String general(BigDecimal exact, int precision, boolean alternate) {
        BigDecimal rounded = exact.round(new MathContext(precision, RoundingMode.HALF_EVEN));
        int exponent = rounded.signum() == 0 ? 0 : rounded.precision() - 1 - rounded.scale();
        if (exponent < -4 || exponent >= precision) {
            String text = scientific(exact, precision - 1);
            int e = text.indexOf('e');
            return (alternate ? text.substring(0, e) : trimmed(text.substring(0, e))) + text.substring(e);
        }
        String plain = exact.setScale(Math.max(0, precision - 1 - exponent), RoundingMode.HALF_EVEN)
                .toPlainString();
        return alternate ? plain : trimmed(plain);
    }

    private static String trimmed(String digits) {
        if (digits.indexOf('.') < 0) {
            return digits;
        }
        int end = digits.length();
        while (digits.charAt(end - 1) == '0') {
            end--;
        }
        return digits.substring(0, digits.charAt(end - 1) == '.' ? end - 1 : end);
    }
}
