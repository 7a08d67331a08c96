package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class WordWrapTest {
    @Test
    void linesEndBetweenWords() {
        assertThat(WordWrap.lines("the quick brown fox", 9)).isEqualTo("the quick\nbrown fox");
        assertThat(WordWrap.lines("the quick brown fox", 8)).isEqualTo("the\nquick\nbrown\nfox");
    }

    @Test
    void wideCharactersTakeTwoColumnsAndALineMayEndAfterEach() {
        assertThat(WordWrap.lines("日本語日本語", 6)).isEqualTo("日本語\n日本語");
        assertThat(WordWrap.lines("a日本語", 6)).isEqualTo("a日本\n語");
        assertThat(WordWrap.lines("e\u0301e\u0301 e\u0301", 4)).isEqualTo("e\u0301e\u0301 e\u0301");
    }

    @Test
    void linesAndTheirIndentationStay() {
        assertThat(WordWrap.lines("a\n\n  if x:\n    y\n", 80)).isEqualTo("a\n\n  if x:\n    y\n");
        assertThat(WordWrap.lines("  a  b", 80)).isEqualTo("  a  b");
    }

    @Test
    void aWordLongerThanALineIsNotLost() {
        String word = "x".repeat(25);
        assertThat(WordWrap.lines("a " + word + " b", 10).replace("\n", "")).isEqualTo("a" + word + " b");
    }

    @Test
    void withoutAWidthNothingIsBroken() {
        String text = "the quick brown fox ".repeat(20);
        assertThat(WordWrap.lines(text, 0)).isEqualTo(text);
    }

    /** However the text is cut into pieces, as tokens are. */
    @Test
    void piecesGiveWhatTheWholeGives() {
        String text = "Once upon a time, 日本語 in a forest:\n\n  * one\n\t* two  three\n" + "y".repeat(30) + " end ";
        for (int width = 1; width < 40; width++) {
            int columns = width;
            for (int length = 1; length < 7; length++) {
                ByteArrayOutputStream bytes = new ByteArrayOutputStream();
                WordWrap wrap = new WordWrap(new PrintStream(bytes, true, StandardCharsets.UTF_8), () -> columns);
                for (int from = 0; from < text.length(); from += length) {
                    wrap.print(text.substring(from, Math.min(text.length(), from + length)));
                }
                wrap.end();
                assertThat(bytes.toString(StandardCharsets.UTF_8)).isEqualTo(WordWrap.lines(text, width));
            }
        }
    }
}
