package dev.nibble.constraint;

import org.jspecify.annotations.Nullable;

/** A part of a grammar that has a name and is called, by itself too: the way recursion is written. */
final class Rule {
    final String name;
    private @Nullable Expr body;

    Rule(String name) {
        this.name = name;
    }

    /** What the rule stands for; set once, when all rules are known. */
    Expr body() {
        if (body == null) {
            throw new IllegalStateException("the rule " + name + " has no body");
        }
        return body;
    }

    boolean isDefined() {
        return body != null;
    }

    void define(Expr newBody) {
        body = newBody;
    }

    @Override
    public String toString() {
        return name;
    }
}
