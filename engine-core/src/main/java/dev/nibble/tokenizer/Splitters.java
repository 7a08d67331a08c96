package dev.nibble.tokenizer;

import static dev.nibble.tokenizer.CharClass.LETTER;
import static dev.nibble.tokenizer.CharClass.MARK;
import static dev.nibble.tokenizer.CharClass.NUMBER;
import static dev.nibble.tokenizer.CharClass.PUNCTUATION;
import static dev.nibble.tokenizer.CharClass.SPACE;
import static dev.nibble.tokenizer.CharClass.SYMBOL;

import dev.nibble.tokenizer.Splitter.Matcher;

/**
 * The expressions that pre-tokenizers consist of, written as loops: each comment is the regular expression that the
 * method matches, as llama.cpp runs it (llama-vocab.cpp, unicode.cpp). Alternatives are tried in order and quantifiers
 * are greedy, but where a regular expression would try again with less, the loop knows the answer.
 */
final class Splitters {
    private static final int UNLIMITED = Integer.MAX_VALUE;

    private Splitters() {}

    /** {@code 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+}. */
    static int gpt2(CodePoints text, int at, int to) {
        int end = contraction(text, at, to, false);
        if (end > at) {
            return end;
        }
        int word = text.is(at, to, ' ') ? at + 1 : at;
        if (text.has(word, to, LETTER)) {
            return text.skip(word, to, LETTER);
        }
        if (text.has(word, to, NUMBER)) {
            return text.skip(word, to, NUMBER);
        }
        if (text.lacks(word, to, SPACE)) {
            return text.skipOthers(word, to, SPACE | LETTER | NUMBER);
        }
        return spaces(text, at, to);
    }

    /** {@code \p{N}{1,limit}}. */
    static Splitter numbers(int limit) {
        return Splitter.isolating((text, at, to) -> numbers(text, at, to, limit));
    }

    /** {@code \p{N}+}. */
    static Splitter numbers() {
        return numbers(UNLIMITED);
    }

    private static int numbers(CodePoints text, int at, int to, int limit) {
        return text.skip(at, (int) Math.min(to, (long) at + limit), NUMBER);
    }

    /**
     * Groups of three numbers counted from the right of a run: {@code \d{1,3}(?=(?:\d{3})*\b)}. What stands before a
     * run stays with its first group, as it does in llama.cpp; the expressions that follow part them.
     */
    static void numbersFromRight(CodePoints text, int from, int to, IntList ends) {
        int end = from;
        for (int at = text.skipOthers(from, to, NUMBER); at < to; at = text.skipOthers(end, to, NUMBER)) {
            end = text.skip(at, to, NUMBER);
            for (int part = at + (end - at - 1) % 3 + 1; part <= end; part += 3) {
                ends.add(part);
            }
        }
        if (end < to) {
            ends.add(to);
        }
    }

    /** {@code [0-9][0-9][0-9]}. */
    static int threeDigits(CodePoints text, int at, int to) {
        return digits(text, at, Math.min(to, at + 3)) == at + 3 ? at + 3 : at;
    }

    /** Cuts where a multiple of three digits is left: {@code (?=(\d{3})+(?!\d))}. */
    static void digitsFromRight(CodePoints text, int from, int to, IntList ends) {
        int at = from;
        while (at < to) {
            int end = digits(text, at, to);
            if (end == at) {
                at++;
                continue;
            }
            for (int cut = at + (end - at) % 3; cut < end; cut += 3) {
                if (cut > from) {
                    ends.add(cut);
                }
            }
            at = end;
        }
        ends.add(to);
    }

    private static int digits(CodePoints text, int at, int to) {
        while (at < to && text.get(at) >= '0' && text.get(at) <= '9') {
            at++;
        }
        return at;
    }

    /** {@code [\p{P}others]+}. */
    static Matcher punctuation(String others) {
        return (text, at, to) -> {
            while (text.has(at, to, PUNCTUATION) || at < to && others.indexOf(text.get(at)) >= 0) {
                at++;
            }
            return at;
        };
    }

    /** One character: punctuation or an ASCII symbol. */
    static int onePunctuation(CodePoints text, int at, int to) {
        boolean found = text.has(at, to, PUNCTUATION) || text.has(at, to, SYMBOL) && text.get(at) < 0x80;
        return found ? at + 1 : at;
    }

    /** {@code \s?[class]+} for a class of characters given by their general classes. */
    static Matcher spaceAndRun(int mask) {
        return (text, at, to) -> {
            int run = text.has(at, to, SPACE) ? at + 1 : at;
            return text.has(run, to, mask) ? text.skip(run, to, mask) : at;
        };
    }

    /** {@code \s?[class]+} for a class of characters given by ranges. */
    static Matcher spaceAndRun(CharRanges ranges) {
        return (text, at, to) -> {
            int run = text.has(at, to, SPACE) ? at + 1 : at;
            int end = ranges.skip(text, run, to);
            return end > run ? end : at;
        };
    }

    /** {@code \s+$}: only the end of the piece can match, so it is looked for from there. */
    static void spacesAtEnd(CodePoints text, int from, int to, IntList ends) {
        int start = to;
        while (start > from && text.has(start - 1, to, SPACE)) {
            start--;
        }
        if (start > from) {
            ends.add(start);
        }
        if (start < to) {
            ends.add(to);
        }
    }

    /** {@code [\r\n]}. */
    static int newline(CodePoints text, int at, int to) {
        return text.isNewline(at, to) ? at + 1 : at;
    }

    /** {@code [^\n]+|[\n]+}. */
    static int lines(CodePoints text, int at, int to) {
        boolean feed = text.is(at, to, '\n');
        while (at < to && text.is(at, to, '\n') == feed) {
            at++;
        }
        return at;
    }

    /** {@code \S+}. */
    static int notSpaces(CodePoints text, int at, int to) {
        return text.skipOthers(at, to, SPACE);
    }

    /** <code> ?[^(\s|.,!?…。，、।۔،)]+</code>. */
    static int bloom(CodePoints text, int at, int to) {
        int word = text.is(at, to, ' ') ? at + 1 : at;
        int end = word;
        while (text.lacks(end, to, SPACE) && "(|.,!?…。，、।۔،)".indexOf(text.get(end)) < 0) {
            end++;
        }
        return end > word ? end : at;
    }

    /** {@code <sentinel:[0-9]+>}. */
    static int sentinel(CodePoints text, int at, int to) {
        String start = "<sentinel:";
        if (!text.startsWith(start, at, to)) {
            return at;
        }
        int number = at + start.length();
        int end = digits(text, number, to);
        return end > number && text.is(end, to, '>') ? end + 1 : at;
    }

    /** {@code (IMGIMG)((A|B|C|D|E|F|G|H|I){1,4})Z}. */
    static int imageToken(CodePoints text, int at, int to) {
        String start = "IMGIMG";
        if (!text.startsWith(start, at, to)) {
            return at;
        }
        int code = at + start.length();
        int end = code;
        while (end < to && end < code + 4 && text.get(end) >= 'A' && text.get(end) <= 'I') {
            end++;
        }
        return end > code && text.is(end, to, 'Z') ? end + 1 : at;
    }

    /** <code>([\t\n]|    |  )</code>. */
    static int indentation(CodePoints text, int at, int to) {
        if (text.is(at, to, '\t') || text.is(at, to, '\n')) {
            return at + 1;
        }
        return text.startsWith("    ", at, to) ? at + 4 : text.startsWith("  ", at, to) ? at + 2 : at;
    }

    /**
     * The main expression of the DeepSeek family, from version 3: an ASCII sign and {@code [A-Za-z]+}, or {@code
     * [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+}. The variant without
     * newline runs leaves out {@code [\r\n]*} and has {@code [\r\n]} for {@code \s*[\r\n]+}.
     */
    static Matcher deepSeek(boolean newlineRuns) {
        return (text, at, to) -> {
            if (text.has(at, to, PUNCTUATION | SYMBOL) && text.get(at) < 0x80 && isAsciiLetter(text, at + 1, to)) {
                int end = at + 1;
                while (isAsciiLetter(text, end, to)) {
                    end++;
                }
                return end;
            }
            boolean lead = text.lacks(at, to, LETTER | PUNCTUATION | SYMBOL) && !text.isNewline(at, to);
            if (lead && text.has(at + 1, to, LETTER | MARK) || text.has(at, to, LETTER | MARK)) {
                return text.skip(at + 1, to, LETTER | MARK);
            }
            int sign = text.is(at, to, ' ') ? at + 1 : at;
            if (text.has(sign, to, PUNCTUATION | SYMBOL)) {
                int end = text.skip(sign, to, PUNCTUATION | SYMBOL);
                return newlineRuns ? text.skipNewlines(end, to) : end;
            }
            if (newlineRuns) {
                return newlinesOrSpaces(text, at, to);
            }
            return text.isNewline(at, to) ? at + 1 : spaces(text, at, to);
        };
    }

    private static boolean isAsciiLetter(CodePoints text, int at, int to) {
        return text.has(at, to, LETTER) && text.get(at) < 0x80;
    }

    /**
     * {@code 's|'t|'re|'ve|'m|'ll|'d}.
     *
     * @return the end, or {@code at} when there is no match
     */
    static int contraction(CodePoints text, int at, int to, boolean ignoreCase) {
        if (!text.is(at, to, '\'') || at + 1 >= to) {
            return at;
        }
        int fold = ignoreCase ? 0x20 : 0; // makes ASCII capitals small; no other character becomes a letter looked for
        int first = text.get(at + 1) | fold;
        if (first == 's' || first == 't' || first == 'm' || first == 'd') {
            return at + 2;
        }
        if (at + 2 < to) {
            int second = text.get(at + 2) | fold;
            if ((first == 'r' || first == 'v') && second == 'e' || first == 'l' && second == 'l') {
                return at + 3;
            }
        }
        return at;
    }

    /** {@code \s*[\r\n]+|\s+(?!\S)|\s+}. */
    static int newlinesOrSpaces(CodePoints text, int at, int to) {
        int end = text.skip(at, to, SPACE);
        for (int last = end; last > at; last--) {
            if (text.isNewline(last - 1, to)) {
                return last;
            }
        }
        return allButLast(at, end, to);
    }

    /** {@code \s+(?!\S)|\s+}: a run of spaces, without the last one when a word follows that takes it. */
    static int spaces(CodePoints text, int at, int to) {
        return allButLast(at, text.skip(at, to, SPACE), to);
    }

    /**
     * Cuts a piece of spaces without newline into powers of two from 512 down: {@code \s{512}(?!\S)|…|\s{4}(?!\S)|
     * \s{1,2}(?!\S)|\s{1}}, given that {@link #spaces} has left the last one out where the expressions do.
     */
    static void powersOfTwoSpaces(CodePoints text, int from, int to, IntList ends) {
        int at = from;
        while (text.has(at, to, SPACE) && !text.isNewline(at, to)) {
            at++;
        }
        at = at == to ? from : to;
        while (at < to) {
            at += Math.min(512, Integer.highestOneBit(to - at));
            ends.add(at);
        }
        if (ends.size() == 0 || ends.get(ends.size() - 1) != to) {
            ends.add(to);
        }
    }

    private static int allButLast(int at, int end, int to) {
        return end < to && end - at > 1 ? end - 1 : end;
    }
}
