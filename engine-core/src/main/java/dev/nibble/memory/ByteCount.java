package dev.nibble.memory;

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
        String number = value < 9.995 ? decimal(value, 2) : value < 99.95 ? decimal(value, 1) : decimal(value, 0);
        return number + " " + "kMGTPE".charAt(unit) + "B";
    }

    /** Without a formatter: that takes memory, and this is said where the heap is full. */
    private static String decimal(double value, int places) {
        long scale = places == 0 ? 1 : places == 1 ? 10 : 100;
        long scaled = Math.round(value * scale);
        if (places == 0) {
            return Long.toString(scaled);
        }
        String fraction = Long.toString(scaled % scale);
        return scaled / scale + "." + "0".repeat(places - fraction.length()) + fraction;
    }
}
