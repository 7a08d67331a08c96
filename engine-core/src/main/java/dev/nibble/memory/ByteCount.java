package dev.nibble.memory;

import java.util.Locale;

/** Numbers of bytes as people read them. */
public final class ByteCount {
    private ByteCount() {}

    /** In decimal units with three digits, as {@code 28.7 MB}. */
    public static String text(long bytes) {
        if (bytes < 1000) {
            return bytes + " B";
        }
        double value = bytes;
        int unit = -1;
        do {
            value /= 1000;
            unit++;
        } while (value >= 999.5);
        String format = value < 9.995 ? "%.2f %sB" : value < 99.95 ? "%.1f %sB" : "%.0f %sB";
        return String.format(Locale.ROOT, format, value, "kMGTPE".charAt(unit));
    }
}
