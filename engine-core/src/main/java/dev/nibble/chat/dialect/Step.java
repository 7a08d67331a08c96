package dev.nibble.chat.dialect;

/** A part of the form of a call. */
interface Step {
    /**
     * Reads the part. May be asked again from the same place with more text.
     *
     * @throws Unread if it is not all there, or something else is
     */
    void read(Cursor in, Drafts calls);
}
