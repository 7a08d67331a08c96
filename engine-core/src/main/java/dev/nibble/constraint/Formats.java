package dev.nibble.constraint;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The formats of strings that are enforced, as regular expressions. */
final class Formats {
    /** Years with a 29th of February in the Gregorian calendar. */
    private static final String LEAP_YEAR =
            "(?:\\d\\d(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)";

    static final String DATE = "(?:\\d{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])"
            + "|(?:0[469]|11)-(?:0[1-9]|[12]\\d|30)|02-(?:0[1-9]|1\\d|2[0-8]))|" + LEAP_YEAR + "-02-29)";

    /** A time of day without a zone. */
    static final String LOCAL_TIME = "(?:(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,9})?)";

    private static final String TIME =
            "(?:" + LOCAL_TIME + "(?:[Zz]|[+-](?:[01]\\d|2[0-3]):[0-5]\\d))";
    private static final String OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private static final String IPV4 = "(?:(?:" + OCTET + "\\.){3}" + OCTET + ")";
    private static final String LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
    private static final String HOSTNAME = LABEL + "(?:\\." + LABEL + ")*";
    /** RFC 5321, without quoted local parts. */
    private static final String EMAIL = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@(?:"
            + HOSTNAME + "|\\[" + IPV4 + "\\])";

    private static final String IPV6 = ipv6();
    /** RFC 3986, appendix A. */
    private static final String CHAR = "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

    private static final String AUTHORITY = "(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
            + "(?:\\[(?:" + IPV6 + "|[vV][0-9A-Fa-f]+\\.[A-Za-z0-9._~!$&'()*+,;=:-]+)\\]"
            + "|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\\d*)?";
    private static final String TAIL = "(?:\\?(?:" + CHAR + "|[/?])*)?(?:#(?:" + CHAR + "|[/?])*)?";
    private static final String URI = "[A-Za-z][A-Za-z0-9+.-]*:(?:\\/\\/" + AUTHORITY + "(?:\\/" + CHAR + "*)*|\\/(?:" + CHAR
            + "+(?:\\/" + CHAR + "*)*)?|" + CHAR + "+(?:\\/" + CHAR + "*)*|)" + TAIL;
    private static final String NO_COLON = "(?:[A-Za-z0-9._~!$&'()*+,;=@-]|%[0-9A-Fa-f]{2})";
    private static final String RELATIVE = "(?:\\/\\/" + AUTHORITY + "(?:\\/" + CHAR + "*)*|\\/(?:" + CHAR + "+(?:\\/" + CHAR
            + "*)*)?|" + NO_COLON + "+(?:\\/" + CHAR + "*)*|)" + TAIL;
    private static final String DURATION = "P(?:\\d+W|(?:\\d+Y(?:\\d+M(?:\\d+D)?)?|\\d+M(?:\\d+D)?|\\d+D)(?:T(?:\\d+H(?:\\d+M(?:\\d+S)?)?"
            + "|\\d+M(?:\\d+S)?|\\d+S))?|T(?:\\d+H(?:\\d+M(?:\\d+S)?)?|\\d+M(?:\\d+S)?|\\d+S))";

    private static final Map<String, String> PATTERNS = Map.ofEntries(
            Map.entry("date", DATE),
            Map.entry("time", TIME),
            Map.entry("date-time", DATE + "[Tt]" + TIME),
            Map.entry("duration", DURATION),
            Map.entry("email", EMAIL),
            Map.entry("hostname", HOSTNAME),
            Map.entry("ipv4", IPV4),
            Map.entry("ipv6", IPV6),
            Map.entry("uri", URI),
            Map.entry("uri-reference", "(?:" + URI + "|" + RELATIVE + ")"),
            Map.entry("uuid", "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"),
            Map.entry("json-pointer", "(?:\\/(?:[^~/]|~[01])*)*"));

    private Formats() {}

    /** The names, without those of numbers. */
    static Set<String> names() {
        return PATTERNS.keySet();
    }

    /** The strings of a format, spelled as in JSON; null if there is no such format. */
    static @Nullable Expr language(Exprs exprs, String format) {
        String pattern = PATTERNS.get(format);
        return pattern == null ? null : RegexParser.whole(exprs, Characters.JSON, pattern);
    }

    /** RFC 4291, section 2.2: eight groups, or fewer around one {@code ::}; the last two may be an IPv4 address. */
    private static String ipv6() {
        String group = "[0-9A-Fa-f]{1,4}";
        String last = "(?:" + group + ":" + group + "|" + IPV4 + ")";
        StringBuilder pattern = new StringBuilder("(?:(?:" + group + ":){6}" + last);
        for (int before = 0; before <= 7; before++) {
            String head = before == 0 ? "" : group + (before == 1 ? "" : "(?::" + group + "){" + (before - 1) + "}");
            int most = 7 - before;
            pattern.append("|").append(head).append("::");
            if (most >= 1) {
                String tail = most >= 2
                        ? "(?:" + group + "|(?:" + group + ":){0," + (most - 2) + "}" + last + ")"
                        : group;
                pattern.append("(?:").append(tail).append(")?");
            }
        }
        return pattern.append(")").toString();
    }
}
