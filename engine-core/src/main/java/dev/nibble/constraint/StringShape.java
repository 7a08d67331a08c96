package dev.nibble.constraint;

import org.jspecify.annotations.Nullable;

/**
 * The strings that a schema allows.
 *
 * @param min characters at the least
 * @param max characters at the most
 * @param language what may stand between the quotes beside that, spelled as in JSON; null for anything
 */
record StringShape(int min, int max, @Nullable Expr language) {
    static final StringShape ANY = new StringShape(0, Expr.UNBOUNDED, null);

    StringShape and(StringShape other, Exprs exprs) {
        Expr both = language == null
                ? other.language
                : other.language == null ? language : exprs.and(language, other.language);
        int least = Math.max(min, other.min);
        int most = Math.min(max, other.max);
        return new StringShape(least, most, both);
    }
}
