package dev.nibble.chat.jinja;

import java.time.LocalDateTime;

/**
 * What one rendering has used up, and where it stands. Templates come out of files that nobody checked, so every step, nesting
 * level and character is counted and bounded; the bounds grow with the size of the input so that a long conversation fits.
 */
final class Rendering {
    static final long BASE_STEPS = 4_000_000;
    static final long STEPS_PER_CHARACTER = 32;
    static final long BASE_CHARACTERS = 16L << 20;
    static final long CHARACTERS_PER_CHARACTER = 512;
    static final int MAX_DEPTH = 400;

    /** What a list, a dict entry, a piece of text or a scope costs, so that memory is bounded along with the time. */
    static final int OBJECT = 4;

    private final LocalDateTime now;
    private final long stepLimit;
    private final long characterLimit;
    private long steps;
    private long characters;
    private int depth;
    private int line = 1;

    /** @param inputSize characters of the template and of the values given to it */
    Rendering(LocalDateTime now, long inputSize) {
        this.now = now;
        this.stepLimit = BASE_STEPS + STEPS_PER_CHARACTER * inputSize;
        this.characterLimit = BASE_CHARACTERS + CHARACTERS_PER_CHARACTER * inputSize;
    }

    LocalDateTime now() {
        return now;
    }

    int line() {
        return line;
    }

    /** Remembers where the template is, for the message of an exception. */
    void at(int newLine) {
        line = newLine;
    }

    void step() {
        steps(1);
    }

    void steps(long count) {
        steps += count;
        if (steps > stepLimit) {
            throw new TemplateError("the template takes more than " + stepLimit + " steps");
        }
    }

    /** Counts the work of reading a value whole, as most operators, filters and methods do. */
    void reads(Value value) {
        switch (value) {
            case Text text -> steps(text.length() >> 6);
            case ListValue list -> steps(list.size() >> 4);
            default -> {}
        }
    }

    /** Counts the work of looking for one text in another, at its worst. */
    void searches(Text haystack, Text needle) {
        long most = Math.min(haystack.length(), needle.length());
        steps(haystack.length() * most >> 6);
    }

    /** Counts characters about to be made; called before they are, so that nothing huge is ever allocated. */
    void characters(long count) {
        if (count < 0 || count > characterLimit - characters) {
            throw new TemplateError("the template makes more than " + characterLimit + " characters of text");
        }
        characters += count;
    }

    void enter() {
        if (++depth > MAX_DEPTH) {
            throw new TemplateError("the template or its values are nested more than " + MAX_DEPTH + " levels deep");
        }
    }

    void exit() {
        depth--;
    }
}
