package dev.nibble.cli;

import java.util.Locale;

/** Numbers as people read them. */
final class Units {
    private Units() {}

    /** Bytes in decimal units, as file managers and download pages show them. */
    static String bytes(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        do {
            value /= 1000;
            unit++;
        } while (value >= 999.5);
        return String.format(Locale.ROOT, value < 9.95 ? "%.2f %sB" : "%.1f %sB", value, "kMGTPE".charAt(unit));
    }

    /** A count, as {@code 134.5 M}. */
    static String count(long count) {
        if (count < 1000) {
            return Long.toString(count);
        }
        String text = bytes(count);
        return text.substring(0, text.length() - 1).replace("G", "B").replace("k", "K");
    }

    /** Seconds as {@code 41 s} or {@code 3 min 20 s}. */
    static String duration(double seconds) {
        long whole = Math.round(seconds);
        if (whole < 60) {
            return whole + " s";
        }
        return whole < 3600
                ? whole / 60 + " min " + whole % 60 + " s"
                : whole / 3600 + " h " + whole / 60 % 60 + " min";
    }
}
