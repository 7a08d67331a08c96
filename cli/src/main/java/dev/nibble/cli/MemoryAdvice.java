package dev.nibble.cli;

import dev.nibble.OutOfMemoryException;
import dev.nibble.OutOfMemoryException.Remedy;

/** What memory lacks, and what would help in the words of the command line. */
final class MemoryAdvice {
    private MemoryAdvice() {}

    static String of(OutOfMemoryException e) {
        StringBuilder text = new StringBuilder(e.facts());
        for (Remedy remedy : e.remedies()) {
            text.append("; ").append(text(remedy));
        }
        return text.toString();
    }

    private static String text(Remedy remedy) {
        return switch (remedy) {
            case NO_COPIES -> "--no-repack needs less";
            case LARGER_HEAP -> "give the JVM a larger heap, as with NIBBLE_JAVA_OPTS=-Xmx4g";
            case MORE_DIRECT_MEMORY ->
                "NIBBLE_JAVA_OPTS=-XX:MaxDirectMemorySize=8g lets the JVM take more outside its heap";
            case MORE_MEMORY -> "raise the limit or take a smaller model";
            case LARGER_BUDGET, LARGER_KV_BUDGET -> "close other sessions or models";
        };
    }
}
