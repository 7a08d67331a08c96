package dev.nibble.constraint;

import dev.nibble.json.JsonValues;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;

/** How characters are spelled in bytes: as they are, or within a JSON string. */
enum Characters {
    /** UTF-8. */
    PLAIN {
        @Override
        Expr spell(Exprs exprs, CodePointSet set) {
            return utf8(exprs, set);
        }

        @Override
        byte[] bytes(String text) {
            return text.getBytes(StandardCharsets.UTF_8);
        }
    },

    /**
     * UTF-8 between the quotes of a JSON string: {@code "}, {@code \} and the controls below U+0020 escaped (RFC 8259,
     * section 7), all others as they are. No two characters share a spelling, so that intersection and complement of
     * spelled languages are the spelled intersection and complement.
     */
    JSON {
        @Override
        Expr spell(Exprs exprs, CodePointSet set) {
            List<Expr> ways = new ArrayList<>();
            ways.add(utf8(exprs, set.minus(ESCAPED)));
            for (int[] range : set.and(ESCAPED).ranges()) {
                for (int c = range[0]; c <= range[1]; c++) {
                    ways.add(escaped(exprs, c));
                }
            }
            return exprs.alternative(ways);
        }

        @Override
        byte[] bytes(String text) {
            String quoted = JsonValues.write(text);
            return quoted.substring(1, quoted.length() - 1).getBytes(StandardCharsets.UTF_8);
        }
    };

    private static final CodePointSet ESCAPED =
            CodePointSet.range(0, 0x1F).or(CodePointSet.of('"')).or(CodePointSet.of('\\'));

    /** The only spelling of a text without controls. */
    abstract byte[] bytes(String text);

    /** One character of the set. */
    abstract Expr spell(Exprs exprs, CodePointSet set);

    /** Exactly this text. */
    Expr literal(Exprs exprs, String text) {
        int[] codePoints = text.codePoints().toArray();
        Expr result = exprs.empty;
        for (int i = codePoints.length - 1; i >= 0; i--) {
            result = exprs.concat(spell(exprs, CodePointSet.of(codePoints[i])), result);
        }
        return result;
    }

    /** One of the texts. */
    Expr choices(Exprs exprs, Collection<String> texts) {
        List<byte[]> fixed = new ArrayList<>();
        List<Expr> ways = new ArrayList<>();
        for (String text : texts) {
            if (text.chars().anyMatch(c -> c < 0x20)) { // which may be spelled in several ways
                ways.add(literal(exprs, text));
            } else {
                fixed.add(bytes(text));
            }
        }
        if (!fixed.isEmpty()) {
            ways.add(exprs.choices(fixed));
        }
        return exprs.alternative(ways);
    }

    private static Expr escaped(Exprs exprs, int c) {
        int letter = "\b\f\n\r\t".indexOf(c);
        if (c >= 0x20) {
            return exprs.literal("\\" + (char) c);
        }
        Expr low = c % 16 < 10
                ? exprs.bytes(ByteSet.of('0' + c % 16))
                : exprs.bytes(ByteSet.of('a' + c % 16 - 10).or(ByteSet.of('A' + c % 16 - 10)));
        Expr numbered = exprs.concat(exprs.literal("\\u00" + (c >> 4)), low);
        return letter < 0 ? numbered : exprs.alternative(exprs.literal("\\" + "bfnrt".charAt(letter)), numbered);
    }

    private static Expr utf8(Exprs exprs, CodePointSet set) {
        List<Expr> ways = new ArrayList<>();
        for (int[] range : set.ranges()) {
            utf8(exprs, range[0], range[1], ways);
        }
        return exprs.alternative(ways);
    }

    /** Splits a range where the number of bytes changes, then into ranges of which each byte runs through a range of its own. */
    private static void utf8(Exprs exprs, int low, int high, List<Expr> ways) {
        for (int limit : new int[] {0x7F, 0x7FF, 0xFFFF}) {
            if (low <= limit && high > limit) {
                utf8(exprs, low, limit, ways);
                utf8(exprs, limit + 1, high, ways);
                return;
            }
        }
        for (int bits = 6; bits <= 18; bits += 6) {
            int mask = (1 << bits) - 1;
            if ((low & ~mask) != (high & ~mask)) {
                if ((low & mask) != 0) {
                    utf8(exprs, low, low | mask, ways);
                    utf8(exprs, (low | mask) + 1, high, ways);
                    return;
                }
                if ((high & mask) != mask) {
                    utf8(exprs, low, (high & ~mask) - 1, ways);
                    utf8(exprs, high & ~mask, high, ways);
                    return;
                }
            }
        }
        byte[] first = Character.toString(low).getBytes(StandardCharsets.UTF_8);
        byte[] last = Character.toString(high).getBytes(StandardCharsets.UTF_8);
        Expr result = exprs.empty;
        for (int i = first.length - 1; i >= 0; i--) {
            result = exprs.concat(exprs.bytes(ByteSet.range(first[i] & 0xFF, last[i] & 0xFF)), result);
        }
        ways.add(result);
    }
}
