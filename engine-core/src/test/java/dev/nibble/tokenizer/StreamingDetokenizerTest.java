package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StreamingDetokenizerTest {
    private static final Tokenizer BYTES = SketchedVocabulary.ofBytes("gpt-2").tokenizer();

    @Test
    void neverGivesHalfACharacter() {
        List<String> parts = new ArrayList<>();
        StreamingDetokenizer detokenizer = new StreamingDetokenizer(BYTES);
        for (byte b : "aé€🙂".getBytes(StandardCharsets.UTF_8)) {
            parts.add(detokenizer.append(b & 0xFF));
        }
        assertThat(parts).containsExactly("a", "", "é", "", "", "€", "", "", "", "🙂");
        assertThat(detokenizer.flush()).isEmpty();
    }

    @Test
    void replacesWhatIsCutOrMalformed() {
        StreamingDetokenizer detokenizer = new StreamingDetokenizer(BYTES);
        assertThat(detokenizer.append(0xF0)).isEmpty();
        assertThat(detokenizer.append(0x9F)).isEmpty();
        assertThat(detokenizer.append('a')).isEqualTo("\ufffda");
        assertThat(detokenizer.append(0xE2)).isEmpty();
        assertThat(detokenizer.flush()).isEqualTo("\ufffd");
        assertThat(detokenizer.append('b')).as("after a flush").isEqualTo("b");
    }

    @Test
    void isTheDecoderOfAnyBytes() {
        Random random = new Random(8);
        for (int round = 0; round < 300; round++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            if (round % 2 == 0) {
                bytes = random.ints(50, 0, 0x2FFFF)
                        .filter(c -> c < 0xD800 || c > 0xDFFF)
                        .collect(StringBuilder::new, StringBuilder::appendCodePoint, StringBuilder::append)
                        .toString()
                        .getBytes(StandardCharsets.UTF_8);
            }
            StreamingDetokenizer detokenizer = new StreamingDetokenizer(BYTES);
            StringBuilder text = new StringBuilder();
            for (byte b : bytes) {
                text.append(detokenizer.append(b & 0xFF));
            }
            assertThat(text.append(detokenizer.flush()).toString())
                    .isEqualTo(new String(bytes, StandardCharsets.UTF_8));
        }
    }

    @Test
    void dropsTheSpaceThatEncodingPutAtTheStart() {
        Tokenizer tokenizer = new SketchedVocabulary("llama")
                .token("<unk>", TokenType.UNKNOWN)
                .token("<s>", TokenType.CONTROL)
                .token("</s>", TokenType.CONTROL)
                .token("▁a")
                .tokenizer();
        StreamingDetokenizer start = new StreamingDetokenizer(tokenizer, true);
        assertThat(start.append(1) + start.append(3) + start.append(3)).isEqualTo("a a");
        StreamingDetokenizer continuing = new StreamingDetokenizer(tokenizer);
        assertThat(continuing.append(3)).isEqualTo(" a");
        assertThat(tokenizer.decode(new int[] {1, 3, 3, 2})).isEqualTo("a a");
    }
}
