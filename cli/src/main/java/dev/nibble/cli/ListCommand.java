package dev.nibble.cli;

import com.fasterxml.jackson.jr.ob.JSON;
import com.sun.management.OperatingSystemMXBean;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.MemoryPlan;
import dev.nibble.NibbleException;
import dev.nibble.cli.models.LocalModels;
import dev.nibble.model.ModelSource;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
        name = "list",
        description =
                "Lists the models that are on this machine: in our own cache, the Hugging Face cache, the stores of"
                        + " Ollama and the folder of LM Studio.",
        footer = {
            "",
            "The last column is what to give -m. A model fits if all that 'nibble inspect' says it needs, with the default "
                    + "context and the Java virtual machine, is there now; 'less' is one that fits with a smaller --ctx. "
                    + "Others may run with --no-repack.",
            "",
            "Examples:",
            "  nibble list",
            "  nibble list --json"
        })
final class ListCommand extends CliCommand {
    /** Of the machine's memory, where the system does not say what is left. */
    private static final double USABLE = 0.8;

    @Option(names = "--json", description = "Print a JSON array.")
    private boolean json;

    /** Whether there is memory for a model: with the default context, with the least one, or with none. */
    private enum Fit {
        YES,
        LESS,
        NO
    }

    /** A line of the list. */
    private record Row(LocalModels.Found found, long bytes, String type, String architecture, Fit fit, String problem) {
        Map<String, Object> toJson() {
            Map<String, Object> map = new LinkedHashMap<>();
            map.put("model", found.locator());
            map.put("source", found.source());
            map.put("file", found.file().toString());
            map.put("bytes", bytes);
            map.put("type", type);
            map.put("architecture", architecture);
            map.put("fits", fit == Fit.YES);
            map.put("fits_with_less_context", fit != Fit.NO);
            if (!problem.isEmpty()) {
                map.put("problem", problem);
            }
            return map;
        }
    }

    @Override
    void execute() throws IOException {
        List<Row> rows = new ArrayList<>();
        for (LocalModels.Found found : new LocalModels(streams().environment(), reporter()).find()) {
            rows.add(row(found));
        }
        if (json) {
            out().println(JSON.std.asString(rows.stream().map(Row::toJson).toList()));
            return;
        }
        if (rows.isEmpty()) {
            err().println("No models found; 'nibble pull' downloads the default one");
            return;
        }
        String format = "%-10s  %-8s  %-12s  %-4s  %-11s  %s";
        out().println(String.format(Locale.ROOT, format, "SIZE", "TYPE", "ARCHITECTURE", "FITS", "FOUND IN", "MODEL"));
        for (Row row : rows) {
            out().println(String.format(
                    Locale.ROOT,
                    format,
                    Units.bytes(row.bytes()),
                    row.type(),
                    row.architecture(),
                    row.fit().name().toLowerCase(Locale.ROOT),
                    row.found().source(),
                    row.found().locator()));
            if (!row.problem().isEmpty()) {
                err().println("Note: " + row.problem());
            }
        }
    }

    private static Row row(LocalModels.Found found) throws IOException {
        try (ModelSource source = LanguageModel.open(found.file())) {
            ModelFacts facts = new ModelFacts(source);
            return new Row(
                    found, facts.weightBytes(), facts.quantization(), facts.architecture(), fit(found, facts), "");
        } catch (NibbleException e) {
            return new Row(found, Files.size(found.file()), "damaged", "?", Fit.NO, String.valueOf(e.getMessage()));
        }
    }

    /** What cannot be run does not fit either. */
    private static Fit fit(LocalModels.Found found, ModelFacts facts) throws IOException {
        try {
            if (fits(found, Math.min(ModelCommand.USUAL_CONTEXT, facts.contextLength()))) {
                return Fit.YES;
            }
            return fits(found, Math.min(ModelCommand.LEAST_CONTEXT, facts.contextLength())) ? Fit.LESS : Fit.NO;
        } catch (NibbleException e) {
            return Fit.NO;
        }
    }

    private static boolean fits(LocalModels.Found found, int context) throws IOException {
        MemoryPlan plan = LanguageModel.memoryPlan(
                found.file(), LoadOptions.DEFAULT.withBackend("cpu").withContextLength(Math.max(1, context)));
        return plan.total() <= plan.available().orElseGet(() -> (long) (memory() * USABLE));
    }

    /** The memory of the machine, or of the container. */
    private static long memory() {
        return ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class).getTotalMemorySize();
    }
}
