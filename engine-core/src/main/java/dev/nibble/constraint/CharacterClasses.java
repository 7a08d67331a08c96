package dev.nibble.constraint;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;
import org.jspecify.annotations.Nullable;

/** The named classes of ECMA-262 regular expressions with the flag u. */
final class CharacterClasses {
    static final CodePointSet DIGIT = CodePointSet.range('0', '9');
    static final CodePointSet WORD = CodePointSet.range('a', 'z')
            .or(CodePointSet.range('A', 'Z'))
            .or(DIGIT)
            .or(CodePointSet.of('_'));
    static final CodePointSet SPACE = CodePointSet.range(0x9, 0xD)
            .or(CodePointSet.of(0x20))
            .or(CodePointSet.of(0xA0))
            .or(CodePointSet.of(0x1680))
            .or(CodePointSet.range(0x2000, 0x200A))
            .or(CodePointSet.range(0x2028, 0x2029))
            .or(CodePointSet.of(0x202F))
            .or(CodePointSet.of(0x205F))
            .or(CodePointSet.of(0x3000))
            .or(CodePointSet.of(0xFEFF));
    /** What {@code .} matches: all but line ends. */
    static final CodePointSet DOT = CodePointSet.of('\n')
            .or(CodePointSet.of('\r'))
            .or(CodePointSet.range(0x2028, 0x2029))
            .complement();

    /** General categories by the long names of Unicode's PropertyValueAliases, without separators, in lower case. */
    private static final Map<String, String> CATEGORIES = Map.ofEntries(
            Map.entry("letter", "L"),
            Map.entry("casedletter", "LC"),
            Map.entry("uppercaseletter", "Lu"),
            Map.entry("lowercaseletter", "Ll"),
            Map.entry("titlecaseletter", "Lt"),
            Map.entry("modifierletter", "Lm"),
            Map.entry("otherletter", "Lo"),
            Map.entry("mark", "M"),
            Map.entry("combiningmark", "M"),
            Map.entry("nonspacingmark", "Mn"),
            Map.entry("spacingmark", "Mc"),
            Map.entry("enclosingmark", "Me"),
            Map.entry("number", "N"),
            Map.entry("decimalnumber", "Nd"),
            Map.entry("digit", "Nd"),
            Map.entry("letternumber", "Nl"),
            Map.entry("othernumber", "No"),
            Map.entry("punctuation", "P"),
            Map.entry("punct", "P"),
            Map.entry("connectorpunctuation", "Pc"),
            Map.entry("dashpunctuation", "Pd"),
            Map.entry("openpunctuation", "Ps"),
            Map.entry("closepunctuation", "Pe"),
            Map.entry("initialpunctuation", "Pi"),
            Map.entry("finalpunctuation", "Pf"),
            Map.entry("otherpunctuation", "Po"),
            Map.entry("symbol", "S"),
            Map.entry("mathsymbol", "Sm"),
            Map.entry("currencysymbol", "Sc"),
            Map.entry("modifiersymbol", "Sk"),
            Map.entry("othersymbol", "So"),
            Map.entry("separator", "Z"),
            Map.entry("spaceseparator", "Zs"),
            Map.entry("lineseparator", "Zl"),
            Map.entry("paragraphseparator", "Zp"),
            Map.entry("other", "C"),
            Map.entry("control", "Cc"),
            Map.entry("cntrl", "Cc"),
            Map.entry("format", "Cf"),
            Map.entry("privateuse", "Co"),
            Map.entry("unassigned", "Cn"));

    private static final Map<String, CodePointSet> PROPERTIES = new ConcurrentHashMap<>();

    private CharacterClasses() {}

    /** The characters with a Unicode property, as {@code L}, {@code Script=Greek} or {@code Alphabetic}; null if unknown. */
    static @Nullable CodePointSet property(String expression) {
        String java = java(expression);
        CodePointSet known = PROPERTIES.get(java);
        if (known != null) {
            return known;
        }
        Pattern pattern;
        try {
            pattern = Pattern.compile(java);
        } catch (PatternSyntaxException e) {
            return null;
        }
        List<int[]> ranges = new ArrayList<>();
        int start = -1;
        for (int c = 0; c <= Character.MAX_CODE_POINT + 1; c++) {
            boolean in = c <= Character.MAX_CODE_POINT
                    && pattern.matcher(Character.toString(c)).matches();
            if (in && start < 0) {
                start = c;
            } else if (!in && start >= 0) {
                ranges.add(new int[] {start, c - 1});
                start = -1;
            }
        }
        CodePointSet set = CodePointSet.ofRanges(ranges);
        PROPERTIES.put(java, set);
        return set;
    }

    /** The same property for {@link Pattern}. */
    private static String java(String expression) {
        int equals = expression.indexOf('=');
        String name = equals < 0 ? "" : expression.substring(0, equals);
        String value = expression.substring(equals + 1);
        return switch (name) {
            case "", "General_Category", "gc" -> {
                String category =
                        CATEGORIES.getOrDefault(value.replace("_", "").toLowerCase(java.util.Locale.ROOT), value);
                boolean general = equals >= 0 || category.length() <= 2;
                yield switch (category) {
                    case "Any" -> "(?s).";
                    case "ASCII" -> "\\p{ASCII}";
                    default -> general ? "\\p{gc=" + category + "}" : "\\p{Is" + category + "}";
                };
            }
            case "Script", "sc", "Script_Extensions", "scx" -> "\\p{sc=" + value + "}";
            default -> "\\p{" + expression + "}";
        };
    }
}
