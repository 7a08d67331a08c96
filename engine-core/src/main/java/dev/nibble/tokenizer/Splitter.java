package dev.nibble.tokenizer;

/**
 * One step of a pre-tokenizer: cuts pieces of text into smaller ones. A splitter sees only the piece, so that a piece
 * boundary counts as the end of the text. Linear in the length of the piece, and iterative.
 */
@FunctionalInterface
interface Splitter {

    /** Adds the end of each part of {@code [from, to)} to {@code ends}, in order; the last is {@code to}. */
    void split(CodePoints text, int from, int to, IntList ends);

    /** Finds what is a part of its own at a position. */
    @FunctionalInterface
    interface Matcher {
        /** The end of the match that begins at {@code at}, or {@code at} when there is none. */
        int match(CodePoints text, int at, int to);
    }

    /** Every match is a part, and so is what lies between two matches: a regular expression that isolates. */
    static Splitter isolating(Matcher matcher) {
        return (text, from, to, ends) -> {
            int start = from;
            int at = from;
            while (at < to) {
                int end = matcher.match(text, at, to);
                if (end == at) {
                    at++;
                    continue;
                }
                if (start < at) {
                    ends.add(at);
                }
                ends.add(end);
                start = end;
                at = end;
            }
            if (start < to) {
                ends.add(to);
            }
        };
    }
}
