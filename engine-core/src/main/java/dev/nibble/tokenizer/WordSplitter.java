package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.CharClass.LETTER;
import static dev.nibble.tokenizer.CharClass.MARK;
import static dev.nibble.tokenizer.CharClass.NUMBER;
import static dev.nibble.tokenizer.CharClass.SPACE;

/**
 * The expression that most pre-tokenizers since GPT-4 vary: {@code (?i:'s|'t|'re|'ve|'m|'ll|'d)|
 * [^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}.
 *
 * @param words what a word is
 * @param letters the classes of characters that words consist of
 * @param contractions where a contraction such as {@code 've} is looked for
 * @param numbers the most numbers that make a part
 * @param notSigns the classes that signs are none of
 * @param trailing the characters that a run of signs takes along
 * @param trailingLimit how many of them it takes at most
 */
record WordSplitter(
        Words words,
        int letters,
        Contractions contractions,
        int numbers,
        int notSigns,
        String trailing,
        int trailingLimit)
        implements Splitter.Matcher {

    /** What a word is, behind the one character that may lead it and is no letter, number or newline. */
    enum Words {
        /** {@code \p{L}+}. */
        RUN,
        /** {@code A*B+|A+B*}: capitals, then small letters. A letter beyond ASCII counts as either. */
        CASED,
        /** {@code (?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+}: words with single spaces between them. */
        PHRASE,
        /** {@code \p{Han}+} without a lead, or a run of other letters. */
        HAN
    }

    /** Where a contraction is looked for. */
    enum Contractions {
        NONE,
        BEFORE_WORD,
        BEHIND_WORD
    }

    private static final int UNLIMITED = Integer.MAX_VALUE;
    private static final int NOT_SIGNS = SPACE | LETTER | NUMBER;

    /** {@code \p{Han}}, as far as llama.cpp knows it (unicode_cpt_is_han). */
    private static final CharRanges HAN = new CharRanges(
            0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xF900, 0xFAFF, 0x20000, 0x2A6DF, 0x2A700, 0x2B73F, 0x2B740, 0x2B81F,
            0x2B820, 0x2CEAF, 0x2CEB0, 0x2EBEF, 0x2F800, 0x2FA1F);

    static final WordSplitter LLAMA3 =
            new WordSplitter(Words.RUN, LETTER, Contractions.BEFORE_WORD, 3, NOT_SIGNS, "\r\n", UNLIMITED);
    static final WordSplitter QWEN2 = LLAMA3.withNumbers(1);
    static final WordSplitter QWEN35 = new WordSplitter(
            Words.RUN, LETTER | MARK, Contractions.BEFORE_WORD, 1, NOT_SIGNS | MARK, "\r\n", UNLIMITED);
    static final WordSplitter MINICPM5 = LLAMA3.withNumbers(UNLIMITED);
    static final WordSplitter UFAKZEKA = QWEN2.withContractions(Contractions.NONE);
    static final WordSplitter SEED_CODER =
            new WordSplitter(Words.RUN, LETTER, Contractions.BEFORE_WORD, 1, NOT_SIGNS, "", 0);
    static final WordSplitter EXAONE_MOE =
            new WordSplitter(Words.PHRASE, LETTER, Contractions.BEFORE_WORD, 1, NOT_SIGNS, "\r\n/", 1);
    static final WordSplitter GPT4O = cased(Words.CASED, LETTER);
    static final WordSplitter GRANITE_EMBEDDING = cased(Words.CASED, LETTER | MARK);
    static final WordSplitter TEKKEN = GPT4O.withContractions(Contractions.NONE).withNumbers(1);
    static final WordSplitter TINY_AYA = cased(Words.RUN, LETTER | MARK);
    static final WordSplitter YOUTU = TINY_AYA.withNumbers(1);
    static final WordSplitter KIMI_K2 =
            new WordSplitter(Words.HAN, LETTER, Contractions.BEHIND_WORD, 3, NOT_SIGNS, "\r\n", UNLIMITED);

    private static WordSplitter cased(Words words, int letters) {
        return new WordSplitter(words, letters, Contractions.BEHIND_WORD, 3, NOT_SIGNS, "\r\n/", UNLIMITED);
    }

    private WordSplitter withNumbers(int value) {
        return new WordSplitter(words, letters, contractions, value, notSigns, trailing, trailingLimit);
    }

    private WordSplitter withContractions(Contractions value) {
        return new WordSplitter(words, letters, value, numbers, notSigns, trailing, trailingLimit);
    }

    @Override
    public int match(CodePoints text, int at, int to) {
        if (contractions == Contractions.BEFORE_WORD) {
            int end = Splitters.contraction(text, at, to, true);
            if (end > at) {
                return end;
            }
        }
        int end = word(text, at, to);
        if (end > at) {
            return end;
        }
        if (text.has(at, to, NUMBER)) {
            return text.skip(at, (int) Math.min(to, (long) at + numbers), NUMBER);
        }
        int sign = text.is(at, to, ' ') ? at + 1 : at;
        if (text.lacks(sign, to, notSigns)) {
            end = text.skipOthers(sign, to, notSigns);
            for (int i = 0; i < trailingLimit && end < to && trailing.indexOf(text.get(end)) >= 0; i++) {
                end++;
            }
            return end;
        }
        return Splitters.newlinesOrSpaces(text, at, to);
    }

    private int word(CodePoints text, int at, int to) {
        int end = at;
        if (words == Words.HAN) {
            end = HAN.skip(text, at, to);
            if (end > at) {
                return end;
            }
        }
        boolean lead = text.lacks(at, to, LETTER | NUMBER) && !text.isNewline(at, to);
        end = switch (words) {
            case RUN -> run(text, at, to, lead);
            case CASED -> cased(text, at, to, lead);
            case PHRASE -> phrase(text, at, to, lead);
            case HAN -> noHan(text, at, to, lead);
        };
        return end > at && contractions == Contractions.BEHIND_WORD ? Splitters.contraction(text, end, to, true) : end;
    }

    private int run(CodePoints text, int at, int to, boolean lead) {
        boolean found = text.has(at, to, letters) || lead && text.has(at + 1, to, letters);
        return found ? text.skip(at + 1, to, letters) : at;
    }

    private static int phrase(CodePoints text, int at, int to, boolean lead) {
        int word = lead ? at + 1 : at;
        if (!text.has(word, to, LETTER)) {
            return at;
        }
        int end = word;
        while (text.has(end, to, LETTER)) {
            end = text.skip(end + 1, to, MARK);
            if (text.is(end, to, ' ') && text.has(end + 1, to, LETTER)) {
                end++;
            }
        }
        return end;
    }

    private static int noHan(CodePoints text, int at, int to, boolean lead) {
        int start = lead ? at + 1 : at;
        int end = start;
        while (text.has(end, to, LETTER) && !HAN.contains(text.get(end))) {
            end++;
        }
        return end > start ? end : at;
    }

    /** The alternatives {@code lead?A*B+|lead?A+B*}, each first with and then without the lead. */
    private int cased(CodePoints text, int at, int to, boolean lead) {
        int end = lead ? capitalsThenSmall(text, at + 1, to) : -1;
        if (end < 0) {
            end = capitalsThenSmall(text, at, to);
        }
        if (end < 0 && lead) {
            end = capitals(text, at + 1, to);
        }
        if (end < 0) {
            end = capitals(text, at, to);
        }
        return end < 0 ? at : end;
    }

    /** {@code A*B+}, or -1: where no B follows the run of A, the last A that is also a B ends the match. */
    private int capitalsThenSmall(CodePoints text, int at, int to) {
        int run = at;
        int lastOfBoth = -1;
        while (isCapital(text, run, to)) {
            if (text.get(run) >= 0x80) {
                lastOfBoth = run;
            }
            run++;
        }
        int end = run;
        while (isSmall(text, end, to)) {
            end++;
        }
        return end > run ? end : lastOfBoth < 0 ? -1 : lastOfBoth + 1;
    }

    /** {@code A+B*} where {@code A*B+} has failed, so that no B follows; or -1. */
    private int capitals(CodePoints text, int at, int to) {
        int end = at;
        while (isCapital(text, end, to)) {
            end++;
        }
        return end > at ? end : -1;
    }

    private boolean isCapital(CodePoints text, int at, int to) {
        return text.has(at, to, letters) && !(text.get(at) >= 'a' && text.get(at) <= 'z');
    }

    private boolean isSmall(CodePoints text, int at, int to) {
        return text.has(at, to, letters) && !(text.get(at) >= 'A' && text.get(at) <= 'Z');
    }
}
