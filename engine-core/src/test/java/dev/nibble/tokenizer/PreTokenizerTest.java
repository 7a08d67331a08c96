package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;

import dev.nibble.UnsupportedModelException;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PreTokenizerTest {
    /** A text in which every two pre-tokenizers that differ in more than flags cut something differently. */
    private static final String TEXT =
            "I'll 'VE  XMLHttp élan's 12345 \u0660!!\n\n  x/ \u0928\u093f\u4e2d\u6587\u304b $a\t \n";

    /** The parts of the text, each followed by a broken bar; tokens of llama.cpp confirm these boundaries. */
    private static final String EXPECTED = """
            DEFAULT I¦'¦ll¦ ¦'¦VE¦ ¦ XMLHttp¦ élan¦'¦s¦ ¦123¦45¦ ¦٠¦!!¦\\n\\n ¦ x¦/¦ न¦ि¦中文か¦ ¦$¦a¦\\t \\n¦
            GPT2 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ 12345¦ ٠¦!!¦\\n\\n ¦ x¦/¦ न¦ि¦中文か¦ $¦a¦\\t \\n¦
            SMOLLM I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!¦\\n\\n ¦ x¦/¦ न¦ि¦中文か¦ $¦a¦\\t \\n¦
            FALCON I¦'¦ll¦ ¦'¦VE¦ ¦ XMLHttp¦ élan¦'¦s¦ ¦123¦45¦ ٠¦!!¦\\n\\n ¦ x¦/¦ न¦ि¦中文か¦ ¦$¦a¦\\t \\n¦
            LLAMA3 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            DBRX I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            JAIS2 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            MINICPM5 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            QWEN2 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            QWEN35 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ नि中文か¦ $¦a¦\\t \\n¦
            UFAKZEKA I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            LAGUNA I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!¦\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t ¦\\n¦
            SEED_CODER I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!¦\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            EXAONE_MOE I¦'ll¦ '¦VE¦ ¦ XMLHttp élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n¦\\n¦ ¦ x¦/¦ नि中文か¦ $¦a¦\\t \\n¦
            GPT4O I'll¦ '¦VE¦ ¦ XMLHttp¦ élan's¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            TEKKEN I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि中文か¦ $¦a¦\\t \\n¦
            GRANITE_EMBEDDING I'll¦ '¦VE¦ ¦ XMLHttp¦ élan's¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ नि中文か¦ $¦a¦\\t \\n¦
            TINY_AYA I'll¦ '¦VE¦ ¦ XMLHttp¦ élan's¦ ¦12¦345¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ नि中文か¦ $¦a¦\\t \\n¦
            YOUTU I'll¦ '¦VE¦ ¦ XMLHttp¦ élan's¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ नि¦中文か¦ $¦a¦\\t \\n¦
            KIMI_K2 I'll¦ '¦VE¦ ¦ XMLHttp¦ élan's¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ न¦ि¦中文¦か¦ $¦a¦\\t \\n¦
            DEEPSEEK3 I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦123¦45¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ नि¦中文か¦ $¦a¦\\t \\n¦
            SPARK I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!¦\\n¦\\n¦ ¦ x¦/¦ नि¦中文か¦ $¦a¦\\t \\n¦
            AFMOE I¦'ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'s¦ ¦12¦345¦ ¦٠¦!!\\n\\n¦ ¦ x¦/¦ नि¦中文か¦ $¦a¦\\t \\n¦
            DEEPSEEK_LLM I¦'¦ll¦ '¦VE¦ ¦ XMLHttp¦ é¦lan¦'¦s¦ ¦12345¦ ¦٠¦!!¦\\n¦\\n¦ ¦ x¦/¦ ¦नि中文か¦ $¦a¦\\t ¦\\n¦
            DEEPSEEK_CODER I¦'¦ll¦ '¦VE¦ ¦ XMLHttp¦ élan¦'¦s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!¦\\n¦\\n¦ ¦ x¦/¦ ¦न¦ि¦中文か¦ $¦a¦\\t ¦\\n¦
            BLOOM I'll¦ 'VE¦ ¦ XMLHttp¦ élan's¦ 12345¦ ٠¦!!\\n\\n ¦ x/¦ नि中文か¦ $a¦\\t \\n¦
            VIKING I'll¦ 'VE¦ ¦ XMLHttp¦ élan's¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!!\\n\\n ¦ x/¦ नि中文か¦ $a¦\\t \\n¦
            SUPERBPE I'll 'VE  XMLHttp élan's ¦12¦345¦ ¦٠¦!!\\n\\n  x/ नि中文か $a\\t \\n¦
            CHAMELEON I¦'¦ll¦ ¦'¦VE¦  ¦XMLHttp¦ élan¦'¦s¦ ¦1¦2¦3¦4¦5¦ ¦٠¦!¦!¦\\n¦\\n¦  ¦x¦/¦ न¦ि¦中文か¦ ¦$¦a¦\\t¦ ¦\\n¦
            GEMMA4 I'll 'VE  XMLHttp élan's 12345 ٠!!¦\\n\\n¦  x/ नि中文か $a\\t ¦\\n¦
            SARVAM I'll 'VE  XMLHttp élan's 12345 ٠!!¦\\n\\n¦  x/ नि中文か $a\\t ¦\\n¦
            """;

    static Stream<String> expected() {
        return EXPECTED.lines();
    }

    @ParameterizedTest
    @MethodSource("expected")
    void cutsTheText(String line) {
        PreTokenizer preTokenizer = PreTokenizer.valueOf(line.substring(0, line.indexOf(' ')));
        assertThat(parts(preTokenizer, TEXT))
                .isEqualTo(line.substring(line.indexOf(' ') + 1)
                        .replace("\\n", "\n")
                        .replace("\\t", "\t"));
    }

    @Test
    void everyPreTokenizerIsExpected() {
        assertThat(expected().map(line -> line.substring(0, line.indexOf(' '))))
                .containsExactlyElementsOf(
                        Stream.of(PreTokenizer.values()).map(Enum::name).toList());
    }

    @Test
    void cutsWhatTheTextLacks() {
        assertThat(parts(PreTokenizer.GPT4O, "HTTPServerÉAB éÉ")).isEqualTo("HTTPServerÉ¦AB¦ éÉ¦");
        assertThat(parts(PreTokenizer.JAIS2, "a" + " ".repeat(1 + 512 + 4 + 2 + 1) + "b"))
                .isEqualTo("a¦" + " ".repeat(512) + "¦    ¦  ¦ ¦ b¦");
        assertThat(parts(PreTokenizer.CHAMELEON, "<sentinel:12>IMGIMGABZ   x"))
                .isEqualTo("<¦sentinel¦:¦1¦2¦>¦IMGIMGABZ¦  ¦ x¦");
        assertThat(parts(PreTokenizer.DEEPSEEK_LLM, "ab é\u4e00\uac00 12  ")).isEqualTo("ab¦ é¦\u4e00\uac00¦ ¦12¦  ¦");
        assertThat(parts(PreTokenizer.AFMOE, "  1234567")).isEqualTo(" ¦ ¦1¦234¦567¦");
        assertThat(parts(PreTokenizer.SUPERBPE, "1234567a12")).isEqualTo("1¦234¦567¦a¦12¦");
        assertThat(parts(PreTokenizer.KIMI_K2, "don't\u4e2d\u6587go")).isEqualTo("don't¦\u4e2d\u6587¦go¦");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"llama-bpe", "qwen2", "gpt-4o", "tekken", "glm4", "lfm2", "smollm", "kimi-k2", "deepseek-v3"})
    void namesAreKnown(String name) {
        assertThat(SketchedVocabulary.ofBytes(name)
                        .put("tokenizer.ggml.add_bos_token", false)
                        .tokenizer()
                        .description())
                .contains(name);
    }

    @Test
    void anUnknownNameIsRefused() {
        assertThatThrownBy(() -> SketchedVocabulary.ofBytes("gpt-9").tokenizer())
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("sketch.gguf: tokenizer.ggml.pre")
                .hasMessageContaining("'gpt-9'")
                .hasMessageContaining("llama-bpe, ");
        assertThatThrownBy(() -> new SketchedVocabulary("rwkv").tokenizer())
                .isInstanceOf(UnsupportedModelException.class)
                .hasMessageContaining("'rwkv'");
    }

    /** A quarter of a megabyte of one kind of character: a splitter that looks too far ahead or back would take minutes. */
    @ParameterizedTest
    @EnumSource(PreTokenizer.class)
    void isLinear(PreTokenizer preTokenizer) {
        List<String> units =
                List.of("a", "A", "É", "\u4e2d", "1", " ", " \n ", "!", "'", "\u0301", " a", "Aé", "<sentinel:1");
        assertTimeoutPreemptively(Duration.ofSeconds(30), () -> {
            for (String unit : units) {
                String text = unit.repeat(250_000 / unit.length());
                byte[] utf8 = Utf8.encode(text);
                CodePoints codePoints = new CodePoints(utf8, 0, utf8.length);
                int[] ends = preTokenizer.split(codePoints);
                assertThat(ends[ends.length - 1]).isEqualTo(codePoints.size());
            }
        });
    }

    /** Fails where a Java with other Unicode data would change the tokens of a text. */
    @Test
    void theClassesOfCharactersAreThoseOfUnicode15() {
        CRC32 checksum = new CRC32();
        for (int c = 0; c <= Character.MAX_CODE_POINT; c++) {
            checksum.update(CharClass.of(c));
        }
        assertThat(checksum.getValue()).isEqualTo(0xf44c3b51L);
    }

    private static String parts(PreTokenizer preTokenizer, String text) {
        byte[] utf8 = Utf8.encode(text);
        CodePoints codePoints = new CodePoints(utf8, 0, utf8.length);
        StringBuilder parts = new StringBuilder();
        int start = 0;
        for (int end : preTokenizer.split(codePoints)) {
            for (int i = start; i < end; i++) {
                parts.appendCodePoint(codePoints.get(i));
            }
            parts.append('¦');
            start = end;
        }
        return parts.toString();
    }
}
