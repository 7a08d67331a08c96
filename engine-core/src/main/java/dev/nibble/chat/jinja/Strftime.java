package dev.nibble.chat.jinja;

import java.time.LocalDateTime;
import java.time.temporal.ChronoUnit;
import java.time.temporal.IsoFields;
import java.util.Locale;

/** {@code strftime} in the C locale, for a time without a zone. */
final class Strftime {
    private Strftime() {}

    static String format(Rendering rendering, String format) {
        StringBuilder out = new StringBuilder();
        LocalDateTime now = rendering.now();
        for (int i = 0; i < format.length(); i++) {
            char c = format.charAt(i);
            if (c != '%' || i + 1 == format.length()) {
                out.append(c);
                continue;
            }
            rendering.steps(8);
            char directive = format.charAt(++i);
            char flag = 0;
            if ("-_0^#".indexOf(directive) >= 0 && i + 1 < format.length()) {
                flag = directive;
                directive = format.charAt(++i);
            }
            String value = value(now, directive);
            out.append(value == null ? "%" + (flag == 0 ? "" : flag) + directive : flagged(value, flag));
        }
        rendering.characters(out.length());
        return out.toString();
    }

    private static String flagged(String value, char flag) {
        boolean number = !value.isEmpty() && (value.charAt(0) == ' ' || Character.isDigit(value.charAt(0)));
        int padding = 0;
        while (number
                && padding < value.length() - 1
                && (value.charAt(padding) == '0' || value.charAt(padding) == ' ')
                && Character.isDigit(value.charAt(padding + 1))) {
            padding++;
        }
        return switch (flag) {
            case '-' -> value.substring(padding);
            case '_' -> " ".repeat(padding) + value.substring(padding);
            case '0' -> "0".repeat(padding) + value.substring(padding);
            case '^' -> value.toUpperCase(Locale.ROOT);
            default -> value;
        };
    }

    private static @org.jspecify.annotations.Nullable String value(LocalDateTime t, char directive) {
        return switch (directive) {
            case 'Y' -> String.valueOf(t.getYear());
            case 'C' -> pad(t.getYear() / 100, 2);
            case 'y' -> pad(t.getYear() % 100, 2);
            case 'G' -> String.valueOf(t.get(IsoFields.WEEK_BASED_YEAR));
            case 'g' -> pad(t.get(IsoFields.WEEK_BASED_YEAR) % 100, 2);
            case 'm' -> pad(t.getMonthValue(), 2);
            case 'd' -> pad(t.getDayOfMonth(), 2);
            case 'e' -> String.format(Locale.ROOT, "%2d", t.getDayOfMonth());
            case 'H' -> pad(t.getHour(), 2);
            case 'k' -> String.format(Locale.ROOT, "%2d", t.getHour());
            case 'I' -> pad(hour12(t), 2);
            case 'l' -> String.format(Locale.ROOT, "%2d", hour12(t));
            case 'M' -> pad(t.getMinute(), 2);
            case 'S' -> pad(t.getSecond(), 2);
            case 'f' -> pad(t.getNano() / 1000, 6);
            case 'j' -> pad(t.getDayOfYear(), 3);
            case 'p' -> t.getHour() < 12 ? "AM" : "PM";
            case 'P' -> t.getHour() < 12 ? "am" : "pm";
            case 'A' -> name(t.getDayOfWeek());
            case 'a' -> name(t.getDayOfWeek()).substring(0, 3);
            case 'B' -> name(t.getMonth());
            case 'b', 'h' -> name(t.getMonth()).substring(0, 3);
            case 'u' -> String.valueOf(t.getDayOfWeek().getValue());
            case 'w' -> String.valueOf(t.getDayOfWeek().getValue() % 7);
            case 'U' -> pad((t.getDayOfYear() + 6 - t.getDayOfWeek().getValue() % 7) / 7, 2);
            case 'W' -> pad((t.getDayOfYear() + 6 - (t.getDayOfWeek().getValue() - 1)) / 7, 2);
            case 'V' -> pad(t.get(IsoFields.WEEK_OF_WEEK_BASED_YEAR), 2);
            case 'D', 'x' -> value(t, 'm') + "/" + value(t, 'd') + "/" + value(t, 'y');
            case 'F' -> value(t, 'Y') + "-" + value(t, 'm') + "-" + value(t, 'd');
            case 'R' -> value(t, 'H') + ":" + value(t, 'M');
            case 'T', 'X' -> value(t, 'R') + ":" + value(t, 'S');
            case 'r' -> value(t, 'I') + ":" + value(t, 'M') + ":" + value(t, 'S') + " " + value(t, 'p');
            case 'c' ->
                value(t, 'a') + " " + value(t, 'b') + " " + value(t, 'e') + " " + value(t, 'T') + " " + value(t, 'Y');
            case 's' -> String.valueOf(ChronoUnit.SECONDS.between(LocalDateTime.of(1970, 1, 1, 0, 0), t));
            case 'n' -> "\n";
            case 't' -> "\t";
            case 'z', 'Z' -> "";
            case '%' -> "%";
            default -> null;
        };
    }

    private static String name(Enum<?> dayOrMonth) {
        return dayOrMonth.name().charAt(0) + dayOrMonth.name().substring(1).toLowerCase(Locale.ROOT);
    }

    private static int hour12(LocalDateTime time) {
        return (time.getHour() + 11) % 12 + 1;
    }

    private static String pad(int number, int width) {
        String digits = String.valueOf(number);
        return "0".repeat(Math.max(0, width - digits.length())) + digits;
    }
}
