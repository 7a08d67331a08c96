package dev.nibble.tokenizer;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * How a byte-pair encoding cuts text into words before it merges within them: the splitters to apply one after the
 * other, and what else comes with a name of {@code tokenizer.ggml.pre}. Names and rules are those of llama.cpp
 * (llama-vocab.cpp).
 */
@SuppressWarnings("ImmutableEnumChecker") // the lists are immutable
enum PreTokenizer {
    /** What a file without a name means. */
    DEFAULT(
            "default",
            of(Splitters.punctuation("$+<=>^~|")),
            of(Splitters::gpt2),
            Splitters.numbers(),
            of(Splitters::threeDigits)),
    GPT2(
            "gpt-2 phi-2 jina-es jina-de gigachat jina-v2-es jina-v2-de a.x-4.0 mellum modern-bert jina-v1-en"
                    + " jina-v2-code roberta-bpe mpt olmo jais trillion granite-docling exaone4",
            of(Splitters::gpt2)),
    /** Every number stands alone. */
    SMOLLM(
            "smollm starcoder refact command-r codeshell exaone minerva-7b mellum2",
            Splitters.numbers(1),
            of(Splitters::gpt2)),
    FALCON("falcon", of(Splitters.punctuation("$+<=>^~|`")), of(Splitters::gpt2), of(Splitters::threeDigits)),
    LLAMA3("llama3 llama-v3 llama-bpe falcon3 falcon-h1 pixtral midm-2.0 lfm2 jina-v5-nano", of(WordSplitter.LLAMA3)),
    /** The same words; only the file says whether merges are ignored. */
    DBRX("dbrx smaug-bpe glm4 chatglm-bpe", of(WordSplitter.LLAMA3)),
    JAIS2("jais-2", of(WordSplitter.LLAMA3), Splitters::powersOfTwoSpaces),
    MINICPM5("minicpm5", Splitters.numbers(3), of(WordSplitter.MINICPM5)),
    QWEN2(
            "qwen2 deepseek-r1-qwen kormo f2llmv2 megrez stablelm2 hunyuan solar-open grok-2 bailingmoe bailingmoe2"
                    + " llada-moe",
            of(WordSplitter.QWEN2)),
    QWEN35("qwen35", of(WordSplitter.QWEN35)),
    UFAKZEKA("ufakzeka", of(WordSplitter.UFAKZEKA)),
    LAGUNA("laguna", of(Splitters::lines), of(WordSplitter.QWEN2)),
    SEED_CODER("seed-coder", of(WordSplitter.SEED_CODER)),
    EXAONE_MOE("exaone-moe", of(WordSplitter.EXAONE_MOE)),
    GPT4O("gpt-4o llama4 kanana2 talkie minimax-m2", of(WordSplitter.GPT4O)),
    TEKKEN("tekken", of(WordSplitter.TEKKEN)),
    GRANITE_EMBEDDING("granite-embed-multi-97m", of(WordSplitter.GRANITE_EMBEDDING)),
    TINY_AYA("tiny_aya cohere2moe", Splitters::numbersFromRight, of(WordSplitter.TINY_AYA)),
    YOUTU("youtu", Scripts.YOUTU, of(WordSplitter.YOUTU)),
    KIMI_K2("kimi-k2", of(WordSplitter.KIMI_K2)),
    DEEPSEEK3(
            "deepseek-v3 hunyuan-dense joyai-llm hy_v4",
            Splitters.numbers(3),
            Scripts.CHINESE_AND_KANA.isolated(),
            of(Splitters.deepSeek(true))),
    SPARK(
            "spark2_5",
            Splitters.numbers(3),
            Scripts.CHINESE_AND_KANA.isolated(),
            of(Splitters.deepSeek(false)),
            Splitters.numbers(1)),
    AFMOE("afmoe", Splitters::numbersFromRight, Scripts.ASIAN.isolated(), of(Splitters.deepSeek(true))),
    DEEPSEEK_LLM(
            "deepseek-llm",
            of(Splitters::newline),
            of(Splitters.spaceAndRun(Scripts.CASED_LETTERS)),
            of(Splitters.spaceAndRun(Scripts.ASCII_AND_WIDE_PUNCTUATION)),
            Splitters::spacesAtEnd,
            Scripts.CHINESE_AND_MORE.isolated(),
            Splitters.numbers()),
    DEEPSEEK_CODER(
            "deepseek-coder",
            of(Splitters::newline),
            of(Splitters.spaceAndRun(CharClass.LETTER)),
            of(Splitters.spaceAndRun(CharClass.PUNCTUATION)),
            Scripts.CHINESE_AND_MORE.isolated(),
            Splitters.numbers(1)),
    BLOOM("poro-chat bloom gpt3-finnish", of(Splitters::bloom)),
    VIKING("viking", of(Splitters::bloom), Splitters.numbers(1)),
    SUPERBPE("superbpe", Splitters.numbers(), Splitters::digitsFromRight),
    CHAMELEON(
            "chameleon",
            of(Splitters::sentinel),
            of(Splitters::imageToken),
            of(Splitters::indentation),
            Splitters.numbers(1),
            of(Splitters::onePunctuation),
            of(Splitters::gpt2)),
    /** No words, only lines: spaces become ▁ and merge like letters. */
    GEMMA4("gemma4 granite-embed-multi-311m", of(Splitters::lines)),
    SARVAM("sarvam-moe", of(Splitters::lines));

    private static final Map<String, PreTokenizer> BY_NAME = new HashMap<>();

    static {
        for (PreTokenizer value : values()) {
            for (String name : value.names) {
                BY_NAME.put(name, value);
            }
        }
    }

    private final List<String> names;
    private final List<Splitter> splitters;

    PreTokenizer(String names, Splitter... splitters) {
        this.names = List.of(names.split(" "));
        this.splitters = List.of(splitters);
    }

    private static Splitter of(Splitter.Matcher matcher) {
        return Splitter.isolating(matcher);
    }

    /** The pre-tokenizer of a name in a file, or null. */
    static @Nullable PreTokenizer named(String name) {
        return BY_NAME.get(name);
    }

    /** All names, sorted. */
    static Iterable<String> allNames() {
        return new TreeSet<>(BY_NAME.keySet());
    }

    /** Whether a word that is a token is not merged from its parts: they may not lead to it. */
    boolean ignoresMerges() {
        return switch (this) {
            case LLAMA3, MINICPM5, TEKKEN, YOUTU, GRANITE_EMBEDDING -> true;
            default -> false;
        };
    }

    /** Whether BOS is added where the file does not say. */
    boolean addsBos() {
        return this == LLAMA3 || this == TEKKEN || this == CHAMELEON;
    }

    /** Whether tokens are text with ▁ for a space, not bytes that are written as characters. */
    boolean isRawText() {
        return this == GEMMA4 || this == SARVAM;
    }

    /** The ends of the words of {@code text}, ascending; the last is its size. */
    int[] split(CodePoints text) {
        int[] ends = {text.size()};
        for (Splitter splitter : splitters) {
            IntList parts = new IntList();
            int from = 0;
            for (int end : ends) {
                if (end > from) {
                    splitter.split(text, from, end, parts);
                }
                from = end;
            }
            ends = parts.toArray();
        }
        return ends;
    }
}
