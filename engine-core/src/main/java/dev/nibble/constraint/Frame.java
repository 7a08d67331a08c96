package dev.nibble.constraint;

import org.jspecify.annotations.Nullable;

/** What follows a rule that is being read: the rest of the rule that called it, and what follows that one. */
final class Frame {
    final Expr rest;
    final @Nullable Frame caller;
    private final int hash;

    Frame(Expr rest, @Nullable Frame caller) {
        this.rest = rest;
        this.caller = caller;
        hash = 31 * rest.hashCode() + (caller == null ? 0 : caller.hash);
    }

    @Override
    public boolean equals(Object other) {
        if (!(other instanceof Frame frame)) {
            return false;
        }
        @Nullable Frame a = this;
        @Nullable Frame b = frame;
        while (a != b) {
            if (a == null || b == null || a.hash != b.hash || a.rest != b.rest) {
                return false;
            }
            a = a.caller;
            b = b.caller;
        }
        return true;
    }

    @Override
    public int hashCode() {
        return hash;
    }
}
