package dev.nibble.tokenizer;

/** Characters of scripts that pre-tokenizers treat apart, as their expressions list them (llama-vocab.cpp). */
final class Scripts {
    /** {@code [一-龥぀-ゟ゠-ヿ]}. */
    static final CharRanges CHINESE_AND_KANA = new CharRanges(0x3040, 0x30FF, 0x4E00, 0x9FA5);

    /** {@code [一-龥ࠀ-一가-퟿]}. */
    static final CharRanges CHINESE_AND_MORE = new CharRanges(0x800, 0x9FA5, 0xAC00, 0xD7FF);

    /** {@code [!-/:-~！-／：-～‘-‟　-。]}. */
    static final CharRanges ASCII_AND_WIDE_PUNCTUATION =
            new CharRanges('!', '/', ':', '~', 0x2018, 0x201F, 0x3000, 0x3002, 0xFF01, 0xFF0F, 0xFF1A, 0xFF5E);

    /** Chinese, Japanese, Thai, Lao, Khmer, Burmese and Korean. */
    static final CharRanges ASIAN = new CharRanges(
            0xE40, 0xE7F, 0xE80, 0xEFF, 0x1000, 0x109F, 0x1100, 0x11FF, 0x1780, 0x17FF, 0x2F00, 0x2FDF, 0x3040, 0x30FF,
            0x3400, 0x4DBF, 0x4E00, 0x9FFF, 0xA9E0, 0xA9FF, 0xAA60, 0xAA7F, 0xAC00, 0xD7AF, 0xF900, 0xFAFF, 0xFF65,
            0xFF9F);

    private static final CharRanges HANGUL = new CharRanges(0x3131, 0x318E, 0xAC00, 0xD7A3);
    private static final CharRanges CHINESE_PUNCTUATION = new CharRanges(
            0x2014, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2026, 0x2026, 0x3001, 0x303F, 0xFE30, 0xFE4F, 0xFF01,
            0xFF01, 0xFF0C, 0xFF0C, 0xFF1A, 0xFF1B);
    private static final CharRanges BOPOMOFO = new CharRanges(0x3105, 0x312F);

    /** Runs of Hangul, of Chinese punctuation, of Bopomofo, and of Chinese characters and Kana. */
    static final Splitter YOUTU = Splitter.isolating((text, at, to) -> {
        for (CharRanges script : new CharRanges[] {HANGUL, CHINESE_PUNCTUATION, BOPOMOFO, CHINESE_AND_KANA}) {
            int end = script.skip(text, at, to);
            if (end > at) {
                return end;
            }
        }
        return at;
    });

    /** Letters that have a case. */
    static final CharRanges CASED_LETTERS = new CharRanges('A', 'Z', 'a', 'z', 0xB5, 0xB5, 0xC0, 0xD6, 0xD8, 0xF6);

    private Scripts() {}
}
