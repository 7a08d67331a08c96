package dev.nibble.cli;

import java.io.PrintStream;
import java.util.function.IntSupplier;
import org.jline.utils.WCWidth;

/**
 * Breaks text between words where a line of a terminal ends, while it comes in pieces. A word is held back until it is
 * whole. Spaces at the beginning of a line stay, as code has them; those where a line is broken go.
 */
final class WordWrap {
    private static final int TAB = 8;

    private final PrintStream out;
    private final IntSupplier width;
    private final StringBuilder spaces = new StringBuilder();
    private final StringBuilder word = new StringBuilder();
    private int wordWidth;
    private int column;

    /** @param width columns of the terminal now; 0 where lines are not to be broken, and then nothing is held back */
    WordWrap(PrintStream out, IntSupplier width) {
        this.out = out;
        this.width = width;
    }

    /** {@code text} with its lines broken at {@code width}, 0 for not at all. */
    static String lines(String text, int width) {
        java.io.ByteArrayOutputStream bytes = new java.io.ByteArrayOutputStream();
        PrintStream stream = new PrintStream(bytes, false, java.nio.charset.StandardCharsets.UTF_8);
        WordWrap wrap = new WordWrap(stream, () -> width);
        wrap.print(text);
        wrap.end();
        stream.flush();
        return bytes.toString(java.nio.charset.StandardCharsets.UTF_8);
    }

    /** Prints what is certain of the text so far. */
    void print(String text) {
        if (width.getAsInt() <= 0) {
            end();
            out.print(text);
        } else {
            text.codePoints().forEach(this::add);
        }
        out.flush();
    }

    /** Prints what was held back; what follows is taken to begin a line. */
    void end() {
        placeWord();
        out.append(spaces);
        spaces.setLength(0);
        column = 0;
    }

    private void add(int character) {
        if (character == '\n') {
            placeWord();
            spaces.setLength(0);
            out.print('\n');
            column = 0;
        } else if (character == ' ' || character == '\t') {
            placeWord();
            spaces.append((char) character);
        } else {
            int cells = Math.max(0, WCWidth.wcwidth(character));
            word.appendCodePoint(character);
            wordWidth += cells;
            // Scripts with wide characters put no spaces between words: a line may end after each.
            if (cells > 1 || wordWidth >= width.getAsInt()) {
                placeWord();
            }
        }
    }

    private void placeWord() {
        if (word.isEmpty()) {
            return;
        }
        int columns = width.getAsInt();
        int begin = column;
        for (int i = 0; i < spaces.length(); i++) {
            begin += spaces.charAt(i) == '\t' ? TAB - begin % TAB : 1;
        }
        if (begin + wordWidth > columns && column > 0 && columns > 0) {
            out.print('\n');
            begin = 0;
        } else {
            out.append(spaces);
        }
        out.append(word);
        column = begin + wordWidth;
        spaces.setLength(0);
        word.setLength(0);
        wordWidth = 0;
    }
}
