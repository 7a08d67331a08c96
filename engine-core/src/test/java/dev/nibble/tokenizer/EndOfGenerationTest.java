package dev.nibble.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class EndOfGenerationTest {

    private static List<String> stops(SketchedVocabulary sketch) {
        Vocabulary vocabulary = sketch.tokenizer().vocabulary();
        return IntStream.range(0, vocabulary.size())
                .filter(vocabulary::isEndOfGeneration)
                .mapToObj(vocabulary::text)
                .toList();
    }

    @Test
    void whatTheFileNames() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                .token("[x]", TokenType.CONTROL)
                .token("[y]", TokenType.CONTROL)
                .token("[z]", TokenType.CONTROL)
                .token("[no]", TokenType.CONTROL)
                .put("tokenizer.ggml.eos_token_id", 256L)
                .put("tokenizer.ggml.eot_token_id", 257L)
                .put("tokenizer.ggml.eom_token_id", 258L);
        assertThat(stops(vocabulary)).containsExactly("[x]", "[y]", "[z]");
        assertThat(vocabulary.tokenizer().vocabulary().eotId()).hasValue(257);
    }

    @Test
    void allThatTheFileLists() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                .token("[x]", TokenType.CONTROL)
                .token("[y]", TokenType.CONTROL)
                .token("[z]", TokenType.NORMAL)
                .token("[no]", TokenType.CONTROL)
                .put("tokenizer.ggml.eos_token_id", 256L)
                .put("tokenizer.ggml.eos_token_ids", new long[] {256, 257, -1})
                .put("tokenizer.ggml.eot_token_ids", new long[] {258});
        assertThat(stops(vocabulary)).containsExactly("[x]", "[y]", "[z]");
        assertThat(vocabulary.tokenizer().vocabulary().eosId()).hasValue(256);
        assertThat(vocabulary.tokenizer().vocabulary().eotId()).hasValue(258);
    }

    @Test
    void anArrayInPlaceOfOneId() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                .token("[x]", TokenType.CONTROL)
                .token("[y]", TokenType.CONTROL)
                .put("tokenizer.ggml.eos_token_id", new long[] {257, 256});
        assertThat(stops(vocabulary)).containsExactly("[x]", "[y]");
        assertThat(vocabulary.tokenizer().vocabulary().eosId()).hasValue(257);
    }

    @Test
    void aTagThatPeopleWriteIsTextWhereTheFileTypesItSoAndNamesAnotherEnd() {
        for (TokenType type : new TokenType[] {TokenType.NORMAL, TokenType.USER_DEFINED}) {
            SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                    .token("</s>", type)
                    .token("[PAD]", type)
                    .token("<|im_end|>", type)
                    .token("<end_of_turn>", TokenType.CONTROL)
                    .put("tokenizer.ggml.eos_token_id", 259L);
            assertThat(stops(vocabulary)).containsExactly("<|im_end|>", "<end_of_turn>");
            assertThat(vocabulary.tokenizer().vocabulary().type(256)).isEqualTo(type);
            assertThat(vocabulary.tokenizer().decode(new int[] {256})).isEqualTo("</s>");
        }
    }

    @Test
    void aTagThatPeopleWriteEndsTheAnswerWhereNothingContradicts() {
        SketchedVocabulary control = SketchedVocabulary.ofBytes("gpt-2")
                .token("</s>", TokenType.CONTROL)
                .token("[x]", TokenType.CONTROL)
                .put("tokenizer.ggml.eos_token_id", 257L);
        assertThat(stops(control)).containsExactly("</s>", "[x]");
        SketchedVocabulary onlyOne = SketchedVocabulary.ofBytes("gpt-2").token("</s>", TokenType.NORMAL);
        assertThat(stops(onlyOne)).containsExactly("</s>");
        SketchedVocabulary named = SketchedVocabulary.ofBytes("gpt-2")
                .token("</s>", TokenType.NORMAL)
                .put("tokenizer.ggml.eos_token_id", 256L);
        assertThat(stops(named)).containsExactly("</s>");
    }

    @Test
    void whatIsKnownByItsText() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                .token("<|im_start|>", TokenType.CONTROL)
                .token("<|im_end|>", TokenType.CONTROL)
                .token("<|end|>", TokenType.CONTROL)
                .token("<end_of_turn>", TokenType.NORMAL)
                .token("<|file_sep|>", TokenType.CONTROL)
                .token("<|fim_prefix|>", TokenType.CONTROL);
        assertThat(stops(vocabulary)).containsExactly("<|im_end|>", "<|end|>", "<end_of_turn>", "<|file_sep|>");
        assertThat(vocabulary.tokenizer().vocabulary().type(259))
                .as("a stop token that the file leaves as text")
                .isEqualTo(TokenType.CONTROL);
    }

    @Test
    void theEndOfAMessageOfHarmonyIsNone() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-4o")
                .token("<|end|>", TokenType.CONTROL)
                .token("<|return|>", TokenType.CONTROL)
                .token("<|call|>", TokenType.CONTROL);
        assertThat(stops(vocabulary)).containsExactly("<|return|>", "<|call|>");
    }

    @Test
    void theTagOfGemma4IsNone() {
        SketchedVocabulary vocabulary = SketchedVocabulary.ofBytes("gpt-2")
                .token("</s>", TokenType.CONTROL)
                .token("<|tool_response>", TokenType.CONTROL);
        assertThat(stops(vocabulary)).containsExactly("<|tool_response>");
        assertThat(vocabulary.tokenizer().vocabulary().type(256)).isEqualTo(TokenType.NORMAL);
    }
}
