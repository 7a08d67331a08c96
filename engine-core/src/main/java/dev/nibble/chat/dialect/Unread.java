package dev.nibble.chat.dialect;

/** Why a piece of an answer cannot be read: there is too little of it, or it is not what it began as. Without a stack. */
@SuppressWarnings("StaticAssignmentOfThrowable") // they have no stack, and nothing else that changes
final class Unread extends RuntimeException {
    private static final long serialVersionUID = 1;

    /** The text ends too early. */
    static final Unread CUT = new Unread("cut");
    /** The text is something else. */
    static final Unread OTHER = new Unread("something else");

    private Unread(String message) {
        super(message, null, false, false);
    }
}
