package dev.nibble.cli;

import dev.nibble.Engine;
import dev.nibble.EngineOptions;
import dev.nibble.LoadOptions;
import dev.nibble.cli.models.LocalModels;
import dev.nibble.cli.models.Locator;
import dev.nibble.cli.models.ModelResolver;
import dev.nibble.cli.models.Reporter;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.NibbleServer;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "serve",
        description =
                "Serves models over HTTP in the dialects of OpenAI, Ollama, Anthropic and llama.cpp, with a chat page.",
        footer = {
            "",
            "The first model is loaded at once, the others when they are asked for. Without any it is the default model, with"
                    + " all that 'nibble list' shows beside it. Only this machine can reach the server unless --host says"
                    + " otherwise; before it is opened to others, give it --api-key and put a reverse proxy with encryption"
                    + " before it. What clients may send is in docs/SERVER.md.",
            "",
            "Examples:",
            "  nibble serve",
            "  nibble serve model.gguf --port 8000",
            "  nibble serve -m chat=hf:org/repo:Q4_K_M -m embed=nomic-embed-text.gguf",
            "  nibble serve --port 11434      where programs look for Ollama"
        })
final class ServeCommand extends CliCommand {
    @HelpSection(HelpSection.Heading.MODEL)
    @Option(
            names = {"-m", "--model"},
            paramLabel = "[NAME=]MODEL",
            description = "A model, and the name by which clients ask for it; may be repeated.")
    private List<String> named = List.of();

    @Parameters(paramLabel = "[MODEL...]", arity = "0..*", hideParamSyntax = true, description = "Models as with -m.")
    private List<String> given = List.of();

    @HelpSection(HelpSection.Heading.MODEL)
    @Option(names = "--alias", paramLabel = "NAME", description = "Another name of the first model; may be repeated.")
    private List<String> aliases = List.of();

    @HelpSection(HelpSection.Heading.MODEL)
    @Option(names = "--all", description = "Serve all models that 'nibble list' shows beside those named.")
    private boolean all;

    @HelpSection(HelpSection.Heading.MODEL)
    @Option(
            names = "--pooling",
            paramLabel = "P",
            description =
                    "How the first model makes embeddings: ${COMPLETION-CANDIDATES} (default: what the file says).")
    private EmbedCommand.@Nullable PoolingName pooling;

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            description = "Where to listen: 0.0.0.0 for all that reach this machine (default: ${DEFAULT-VALUE}).")
    private String host = "127.0.0.1";

    @Option(names = "--port", paramLabel = "N", description = "The port; 0 for any that is free (default: 8080).")
    private int port = 8080;

    @Option(
            names = "--api-key",
            paramLabel = "KEY",
            description = "A key that clients have to give; may be repeated (or set NIBBLE_API_KEY).")
    private List<String> keys = List.of();

    @Option(
            names = "--allow-host",
            paramLabel = "NAME",
            description = "A name by which the server may be called, as by a proxy; may be repeated.")
    private List<String> hosts = List.of();

    @Option(
            names = "--allow-origin",
            paramLabel = "ORIGIN",
            description =
                    "Pages that may ask from a browser, as https://example.org, localhost, * for all; may be repeated.")
    private List<String> origins = List.of();

    @Option(names = "--no-slots", description = "Do not tell at /slots what is being done.")
    private boolean noSlots;

    @Option(names = "--no-metrics", description = "Do not tell counts and times at /metrics.")
    private boolean noMetrics;

    @HelpSection(HelpSection.Heading.MODEL)
    @Option(
            names = "--tag",
            paramLabel = "WORD",
            description = "A word that clients are told of the first model; may be repeated.")
    private List<String> tags = List.of();

    @HelpSection(HelpSection.Heading.PERFORMANCE)
    @Option(
            names = "--kv-wait",
            paramLabel = "SECONDS",
            description = "How long an answer waits for memory that others hold (default: 10).")
    private int kvWait = 10;

    @HelpSection(HelpSection.Heading.PERFORMANCE)
    @Option(names = "--parallel", paramLabel = "N", description = "Answers made at a time (default: 8).")
    private int parallel = 8;

    @HelpSection(HelpSection.Heading.PERFORMANCE)
    @Option(names = "--queue", paramLabel = "N", description = "Requests that may wait (default: 64).")
    private int queue = 64;

    @HelpSection(HelpSection.Heading.MEMORY)
    @Option(
            names = "--keep-alive",
            paramLabel = "SECONDS",
            description = "How long unused models stay loaded; -1 (default) until others need the memory.")
    private long keepAlive = -1;

    @HelpSection(HelpSection.Heading.MEMORY)
    @Option(
            names = "--max-models",
            paramLabel = "N",
            description = "Models loaded at a time; 0 (default) for as many as memory has room for.")
    private int maxModels;

    @HelpSection(HelpSection.Heading.PERFORMANCE)
    @Option(
            names = "--drain",
            paramLabel = "SECONDS",
            description = "How long answers may go on when the server is told to end (default: 10).")
    private int drain = 10;

    @Mixin
    private final ModelOptions modelOptions = new ModelOptions();

    @Override
    void execute() throws IOException {
        setTransportLimits();
        List<String> locators = new ArrayList<>(named);
        locators.addAll(given);
        EngineOptions engineOptions = EngineOptions.DEFAULT;
        if (modelOptions.threads() > 0) {
            engineOptions = engineOptions.withThreads(modelOptions.threads());
        }
        ModelResolver quiet = new ModelResolver(streams().environment(), Reporter.SILENT);
        ServedModels models =
                new ServedModels(new LocalModels(streams().environment(), Reporter.SILENT), quiet, this::options);
        List<ModelEntry> entries = entries(locators, models);
        try (Engine engine = Engine.open(engineOptions);
                NibbleServer server = start(engine, entries, models, locators.isEmpty())) {
            Thread closing = new Thread(server::close, "nibble-serve-close");
            Runtime.getRuntime().addShutdownHook(closing);
            String first = entries.getFirst().name();
            server.load(first);
            out().println("Serving " + first + " at " + server.uri());
            out().flush();
            server.awaitClose();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // and with it the server ends
        }
    }

    private NibbleServer start(Engine engine, List<ModelEntry> entries, ServedModels models, boolean none)
            throws IOException {
        try {
            NibbleServer.Builder builder = NibbleServer.builder(engine)
                    .host(host)
                    .port(port)
                    .parallel(parallel)
                    .queue(queue)
                    .keepAlive(Duration.ofSeconds(keepAlive))
                    .mostLoaded(maxModels)
                    .showSlots(!noSlots)
                    .showMetrics(!noMetrics)
                    .drain(Duration.ofSeconds(Math.max(0, drain)));
            entries.forEach(builder::model);
            if (all || none) {
                builder.finder(models);
            }
            keys.forEach(builder::apiKey);
            streams().environment().get("NIBBLE_API_KEY").ifPresent(builder::apiKey);
            hosts.forEach(builder::allowHost);
            origins.forEach(builder::allowOrigin);
            return builder.start();
        } catch (IllegalArgumentException e) {
            throw new UsageException(String.valueOf(e.getMessage()), e);
        } catch (java.net.BindException e) {
            throw new IOException("cannot listen at " + host + ":" + port + ": " + e.getMessage() + " (--port)", e);
        }
    }

    private List<ModelEntry> entries(List<String> locators, ServedModels models) throws IOException {
        List<ModelEntry> entries = new ArrayList<>();
        for (String text : locators) {
            int equals = Locator.isFile(text) ? -1 : text.indexOf('=');
            boolean isNamed = equals > 0 && text.charAt(equals - 1) != '=' && !text.startsWith("==", equals);
            String locator = isNamed ? text.substring(equals + 1) : text;
            entries.add(models.entry(isNamed ? text.substring(0, equals) : ServedModels.name(locator), open(locator)));
        }
        if (entries.isEmpty()) {
            entries.add(models.entry(ModelResolver.DEFAULT_NAME, openOrDefault(null)));
        }
        ModelEntry first = entries.getFirst().withAliases(aliases).withTags(tags);
        entries.set(0, pooling == null ? first : first.withPooling(pooling.pooling()));
        return entries;
    }

    private LoadOptions options(LoadOptions base) {
        return modelOptions.apply(base.withKvBudgetWait(Duration.ofSeconds(Math.max(0, kvWait))));
    }

    /** The HTTP server of the JDK reads these once in the life of a process. */
    private static void setTransportLimits() {
        for (String[] property : new String[][] {
            {"sun.net.httpserver.nodelay", "true"},
            {"sun.net.httpserver.maxReqTime", "120"},
            {"sun.net.httpserver.maxIdleConnections", "1024"}, // beyond these it closes what clients mean to use again
            {"jdk.httpserver.maxConnections", "1024"}
        }) {
            if (System.getProperty(property[0]) == null) {
                System.setProperty(property[0], property[1]);
            }
        }
    }
}
