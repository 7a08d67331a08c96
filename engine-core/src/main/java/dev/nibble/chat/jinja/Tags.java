package dev.nibble.chat.jinja;

import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The filter {@code striptags}: a text without comments and tags of HTML, its spaces joined and its entities resolved. */
final class Tags {
    private static final Pattern ENTITY =
            Pattern.compile("&(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{0,30});");
    private static final Map<String, String> NAMED =
            Map.of("amp", "&", "lt", "<", "gt", ">", "quot", "\"", "apos", "'", "nbsp", "\u00a0");

    private Tags() {}

    static String strip(String text) {
        String plain = without(without(text, "<!--", "-->"), "<", ">");
        StringBuilder joined = new StringBuilder(plain.length());
        boolean space = false;
        for (int i = 0; i < plain.length(); i += Character.charCount(plain.codePointAt(i))) {
            int c = plain.codePointAt(i);
            if (Characters.isSpace(c)) {
                space = true;
                continue;
            }
            if (space && !joined.isEmpty()) {
                joined.append(' ');
            }
            space = false;
            joined.appendCodePoint(c);
        }
        return unescape(joined.toString());
    }

    /** Removes from each opening to the next closing; one that is not closed stays, with all behind it. */
    private static String without(String text, String open, String close) {
        StringBuilder kept = new StringBuilder(text.length());
        int from = 0;
        while (true) {
            int start = text.indexOf(open, from);
            int end = start < 0 ? -1 : text.indexOf(close, start);
            if (end < 0) {
                return kept.append(text, from, text.length()).toString();
            }
            kept.append(text, from, start);
            from = end + close.length();
        }
    }

    private static String unescape(String text) {
        Matcher entity = ENTITY.matcher(text);
        StringBuilder out = new StringBuilder();
        while (entity.find()) {
            entity.appendReplacement(out, Matcher.quoteReplacement(resolve(entity.group(1))));
        }
        return entity.appendTail(out).toString();
    }

    private static String resolve(String name) {
        if (name.charAt(0) != '#') {
            String character = NAMED.get(name);
            if (character == null) {
                throw TemplateError.unsupported("the entity '&" + name + ";' in the filter 'striptags'");
            }
            return character;
        }
        boolean hexadecimal = name.charAt(1) == 'x' || name.charAt(1) == 'X';
        int code = Integer.parseInt(name.substring(hexadecimal ? 2 : 1), hexadecimal ? 16 : 10);
        boolean valid = code > 0 && code <= Character.MAX_CODE_POINT && (code < 0xD800 || code > 0xDFFF);
        return valid ? Character.toString(code) : "\uFFFD";
    }
}
