package dev.nibble.gguf;

import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Names of the files of a split model: {@code <prefix>-00001-of-00003.gguf}, counted from 1.
 *
 * @param prefix what the files have in common
 * @param number of this file, from 1
 * @param count of all files
 */
record SplitName(String prefix, int number, int count) {
    private static final Pattern NAME = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf", Pattern.DOTALL);

    /** The parts of a name, or null when it is not the name of one of several files. */
    static @Nullable SplitName parse(String fileName) {
        Matcher matcher = NAME.matcher(fileName);
        return matcher.matches()
                ? new SplitName(
                        matcher.group(1), Integer.parseInt(matcher.group(2)), Integer.parseInt(matcher.group(3)))
                : null;
    }

    SplitName withNumber(int value) {
        return new SplitName(prefix, value, count);
    }

    /** This file beside {@code sibling}. */
    Path beside(Path sibling) {
        return sibling.resolveSibling(toString());
    }

    @Override
    public String toString() {
        return "%s-%05d-of-%05d.gguf".formatted(prefix, number, count);
    }
}
