package dev.nibble.generate;

import java.util.List;

/** Finds the first stop string in a text that arrives in pieces, and holds back what may become one. */
final class StopStrings {
    private final List<String> stops;
    private final int longest;
    private final StringBuilder held = new StringBuilder();
    private boolean found;

    StopStrings(List<String> stops) {
        this.stops = stops;
        longest = stops.stream().mapToInt(String::length).max().orElse(0);
    }

    /** Takes a piece of text and gives what is certainly not part of a stop string. */
    String append(String piece) {
        if (stops.isEmpty() || found) {
            return found ? "" : piece;
        }
        held.append(piece);
        int end = firstStop();
        found = end >= 0;
        if (!found) {
            end = held.length() - possibleStop();
        }
        String certain = held.substring(0, end);
        held.delete(0, found ? held.length() : end);
        return certain;
    }

    /** Gives what was held back: no more text comes. */
    String flush() {
        String rest = held.toString();
        held.setLength(0);
        return rest;
    }

    /** Whether a stop string was complete. */
    boolean found() {
        return found;
    }

    private int firstStop() {
        int first = -1;
        for (String stop : stops) {
            int index = held.indexOf(stop);
            if (index >= 0 && (first < 0 || index < first)) {
                first = index;
            }
        }
        return first;
    }

    /** The length of the longest end of the text that begins a stop string. */
    private int possibleStop() {
        for (int length = Math.min(longest - 1, held.length()); length > 0; length--) {
            String end = held.substring(held.length() - length);
            for (String stop : stops) {
                if (stop.startsWith(end)) {
                    return length;
                }
            }
        }
        return 0;
    }
}
