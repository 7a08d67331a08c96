package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.nibble.ModelFormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;

class UnigramTest {
    private static final String CHARS_MAP = "tokenizer.ggml.precompiled_charsmap";

    private static SketchedVocabulary vocabulary() {
        return new SketchedVocabulary("t5")
                .token("<pad>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .token("<unk>", TokenType.UNKNOWN)
                .token("▁", -3)
                .token("a", -3)
                .token("b", -3)
                .token("ab", -4)
                .token("▁a", -5.5f)
                .token("abab", -9)
                .token("<x>", TokenType.USER_DEFINED)
                .put("tokenizer.ggml.add_space_prefix", true)
                .put("tokenizer.ggml.remove_extra_whitespaces", true);
    }

    private static List<String> encode(SketchedVocabulary vocabulary, String text) {
        Tokenizer tokenizer = vocabulary.tokenizer();
        return Arrays.stream(tokenizer.encode(text, Tokenizer.Options.PLAIN))
                .mapToObj(tokenizer.vocabulary()::text)
                .toList();
    }

    @Test
    void findsTheCutWithTheHighestSum() {
        assertThat(encode(vocabulary(), "ab")).as("-3 - 4, not -5.5 - 3").containsExactly("▁", "ab");
        assertThat(encode(vocabulary(), "abab")).as("-4 - 4, not -9").containsExactly("▁", "ab", "ab");
        assertThat(encode(vocabulary(), "aa")).as("-5.5 - 3, not -3 - 3 - 3").containsExactly("▁a", "a");
    }

    @Test
    void unknownCharactersInARowAreOneToken() {
        assertThat(encode(vocabulary(), "a??é?b")).containsExactly("▁a", "<unk>", "b");
    }

    @Test
    void mergesSpacesWhereTheFileAsks() {
        assertThat(encode(vocabulary(), "  a   b ")).containsExactly("▁a", "▁", "b");
        assertThat(encode(vocabulary().put("tokenizer.ggml.remove_extra_whitespaces", false), "a  b"))
                .containsExactly("▁a", "▁", "▁", "b");
    }

    @Test
    void addsEosByDefault() {
        Tokenizer tokenizer = vocabulary().tokenizer();
        assertThat(tokenizer.encode("a<x>", Tokenizer.Options.PROMPT)).containsExactly(7, 9, 1);
        assertThat(tokenizer.decode(new int[] {7, 4, 1})).isEqualTo("aa");
    }

    /** A map with one entry, A to ab: the root's child for A is at 0 ^ A, its leaf at A ^ 1. */
    private static long[] charsMap(int leaf) {
        int[] nodes = new int[128];
        nodes['A'] = 1 << 10 | 1 << 8 | 'A';
        nodes['A' ^ 1] = 1 << 31 | leaf;
        ByteBuffer bytes = ByteBuffer.allocate(4 + 4 * nodes.length + 5).order(ByteOrder.LITTLE_ENDIAN);
        bytes.putInt(4 * nodes.length);
        Arrays.stream(nodes).forEach(bytes::putInt);
        bytes.put("x\0ab\0".getBytes(StandardCharsets.US_ASCII));
        long[] values = new long[bytes.capacity()];
        for (int i = 0; i < values.length; i++) {
            values[i] = bytes.get(i);
        }
        return values;
    }

    @Test
    void normalizesByTheMapOfTheFile() {
        assertThat(encode(vocabulary().put(CHARS_MAP, charsMap(2)), "AA")).containsExactly("▁", "ab", "ab");
    }

    @Test
    void refusesADamagedMap() {
        SketchedVocabulary pointsOutside = vocabulary().put(CHARS_MAP, charsMap(5));
        assertThatThrownBy(() -> encode(pointsOutside, "A"))
                .isInstanceOf(ModelFormatException.class)
                .hasMessageContaining("sketch.gguf")
                .hasMessageContaining(CHARS_MAP)
                .hasMessageContaining("text 5 of 5 bytes");
        for (long[] map : List.of(
                new long[] {1, 2, 3},
                new long[] {0xFF, 0xFF, 0xFF, 0xFF, 0},
                new long[] {4, 0, 0, 0, 0, 0, 0, 0},
                new long[] {300, 0, 0, 0})) {
            assertThatThrownBy(() -> vocabulary().put(CHARS_MAP, map).tokenizer())
                    .isInstanceOf(ModelFormatException.class)
                    .hasMessageContaining(CHARS_MAP);
        }
    }
}
