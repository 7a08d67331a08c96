package dev.nibble.cli;

import java.lang.reflect.Field;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import picocli.CommandLine;
import picocli.CommandLine.Help;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.UsageMessageSpec;

/** How the help of a command looks: a short synopsis, and its options under headings, in the order of the source. */
final class HelpText {
    private HelpText() {}

    /** For a command and all below it. */
    static void arrange(CommandLine command) {
        command.getCommandSpec().usageMessage().abbreviateSynopsis(true);
        command.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_OPTION_LIST, HelpText::options);
        command.getHelpSectionMap().put(UsageMessageSpec.SECTION_KEY_EXIT_CODE_LIST_HEADING, help -> "");
        command.getSubcommands().values().forEach(HelpText::arrange);
    }

    private static String options(Help help) {
        Map<HelpSection.Heading, List<OptionSpec>> sections = new EnumMap<>(HelpSection.Heading.class);
        for (OptionSpec option : help.commandSpec().options()) {
            if (!option.hidden()) {
                sections.computeIfAbsent(heading(option), heading -> new ArrayList<>())
                        .add(option);
            }
        }
        return sections.entrySet().stream()
                .map(section -> System.lineSeparator() + section.getKey().title() + ":" + System.lineSeparator()
                        + list(help, section.getValue()))
                .collect(Collectors.joining());
    }

    private static String list(Help help, List<OptionSpec> options) {
        Help.Layout layout = help.createDefaultLayout(); // with columns as wide as all options need
        layout.addOptions(options, help.parameterLabelRenderer());
        return layout.toString();
    }

    private static HelpSection.Heading heading(OptionSpec option) {
        if (!(option.userObject() instanceof Field field)
                || field.getDeclaringClass() == Nibble.class
                || field.getDeclaringClass().getPackage() != HelpText.class.getPackage()) {
            return HelpSection.Heading.OTHER; // --debug, and picocli's own --help and --version
        }
        HelpSection own = field.getAnnotation(HelpSection.class);
        HelpSection section = own != null ? own : field.getDeclaringClass().getAnnotation(HelpSection.class);
        return section == null ? HelpSection.Heading.OPTIONS : section.value();
    }
}
