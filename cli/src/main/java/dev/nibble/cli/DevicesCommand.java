package dev.nibble.cli;

import dev.nibble.spi.BackendProvider;
import dev.nibble.spi.BackendProvider.Availability;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.ServiceLoader;
import picocli.CommandLine.Command;

@Command(
        name = "devices",
        description = "Lists what can run models here: each backend, its devices, or why it cannot run.",
        footer = {
            "",
            "The backends are in the order in which 'auto' tries them. A GPU needs TornadoVM, see docs/GPU.md.",
            "",
            "Example:",
            "  nibble devices"
        })
final class DevicesCommand extends CliCommand {

    @Override
    void execute() {
        List<BackendProvider> providers = ServiceLoader.load(BackendProvider.class).stream()
                .map(ServiceLoader.Provider::get)
                .sorted(Comparator.comparingInt(BackendProvider::priority).reversed())
                .toList();
        for (BackendProvider provider : providers) {
            String state = switch (provider.probe()) {
                case Availability.Available available -> available.description();
                case Availability.Unavailable unavailable -> "cannot run: " + unavailable.reason();
            };
            out().println(String.format(Locale.ROOT, "%-8s  %s", provider.name(), state));
            provider.devices().forEach(device -> out().println("          " + device));
        }
    }
}
