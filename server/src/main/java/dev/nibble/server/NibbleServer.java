package dev.nibble.server;

import dev.nibble.Engine;
import dev.nibble.server.anthropic.AnthropicMessages;
import dev.nibble.server.http.Front;
import dev.nibble.server.http.Guard;
import dev.nibble.server.http.HttpTransport;
import dev.nibble.server.http.JdkTransport;
import dev.nibble.server.http.Limits;
import dev.nibble.server.http.Router;
import dev.nibble.server.http.Router.Needs;
import dev.nibble.server.llamacpp.LlamaCpp;
import dev.nibble.server.ollama.OllamaRoutes;
import dev.nibble.server.openai.OpenAi;
import dev.nibble.server.openai.OpenAiErrors;
import dev.nibble.server.work.Counters;
import dev.nibble.server.work.ModelFacts;
import dev.nibble.server.work.Models;
import dev.nibble.server.work.Slots;
import dev.nibble.server.work.Work;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;

/**
 * Serves models over HTTP, so that programs made for OpenAI and others can use them. Thread-safe.
 *
 * <pre>{@code
 * try (Engine engine = Engine.open();
 *         NibbleServer server = NibbleServer.builder(engine).model("smollm2", path).port(8080).start()) {
 *     System.out.println(server.uri());
 *     server.awaitClose();
 * }
 * }</pre>
 *
 * <p>It listens on this machine alone unless {@link Builder#host} says otherwise, and then has neither encryption nor, without
 * {@link Builder#apiKey}, anybody to refuse: put a reverse proxy before it.
 *
 * <p>The HTTP server of the JDK reads some limits from system properties when it is first used, those for headers among them; the
 * documentation of the server lists them.
 */
public final class NibbleServer implements AutoCloseable {
    private static final int OLLAMA_PORT = 11434;

    private final HttpTransport transport;
    private final Front front;
    private final Models models;
    private final Slots slots;
    private final Duration drain;
    private final List<String> routes;
    private final ScheduledExecutorService housekeeping = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("nibble-server-models").factory());
    private final java.util.concurrent.CountDownLatch closed = new java.util.concurrent.CountDownLatch(1);
    private boolean closing; // guarded by this

    private NibbleServer(Builder builder) throws IOException {
        InetAddress address = InetAddress.getByName(builder.host);
        drain = builder.drain;
        models = new Models(builder.engine, builder.entries, builder.finder, builder.mostLoaded, builder.keepAlive);
        slots = new Slots(builder.parallel, builder.queue);
        Work work = new Work(models, slots, new Counters());
        Router router = new Router(OpenAiErrors.FORM);
        router.add("GET", "/health", Needs.NOTHING, OpenAiErrors.FORM, Health::handle)
                .add("GET", "/v1/health", Needs.NOTHING, OpenAiErrors.FORM, Health::handle);
        OpenAi.addTo(router, work);
        AnthropicMessages.addTo(router, work);
        OllamaRoutes.addTo(router, work);
        LlamaCpp.addTo(router, work, new LlamaCpp.Shown(builder.slotsShown, builder.metricsShown));
        OpenApi.addTo(router);
        Page.addTo(router, builder.page, builder.port == OLLAMA_PORT);
        routes = router.routes();
        Guard guard = new Guard(
                address.isLoopbackAddress() || !builder.hosts.isEmpty(), builder.hosts, builder.origins, builder.keys);
        Limits limits =
                new Limits(builder.maxBody, builder.parallel + builder.queue + 16, builder.beat, builder.patience);
        front = new Front(router, guard, limits);
        transport = new JdkTransport(new InetSocketAddress(address, builder.port));
        front.start();
        transport.start(front::accept);
        var _ = housekeeping.scheduleWithFixedDelay(models::unloadIdle, 1, 1, TimeUnit.SECONDS);
    }

    /** A server of the models of an engine, whose threads and memory they share; it stays open when the server is closed. */
    public static Builder builder(Engine engine) {
        return new Builder(engine);
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return transport.address();
    }

    /** The address for a browser on this machine, as {@code http://127.0.0.1:8080}. */
    public URI uri() {
        InetAddress address = address().getAddress();
        String host = address.isAnyLocalAddress()
                ? "127.0.0.1"
                : address.getHostAddress().replaceFirst("%.*", "");
        return URI.create("http://" + (host.contains(":") ? "[" + host + "]" : host) + ":"
                + address().getPort());
    }

    /** Loads a model now rather than when it is first asked for; it is unloaded as if it had been used. */
    public void load(String model) throws IOException {
        ModelEntry entry = models.require(model);
        ModelFacts facts = models.facts(entry);
        Models.Use use =
                facts.ranks() ? Models.Use.RERANKING : facts.embeds() ? Models.Use.EMBEDDING : Models.Use.GENERATION;
        models.lease(entry, use).close();
    }

    /** What it answers, each as a method and a path with a space between; for the tests. */
    List<String> routes() {
        return routes;
    }

    /** Answers that are made now. */
    public int running() {
        return slots.running();
    }

    /** Requests that wait for their turn now. */
    public int waiting() {
        return slots.waiting();
    }

    /** The names of the models that are loaded now. */
    public List<String> loaded() {
        return models.loaded().stream()
                .map(loaded -> loaded.entry().name())
                .distinct()
                .toList();
    }

    /** Waits until the server is closed. */
    public void awaitClose() throws InterruptedException {
        closed.await();
    }

    /**
     * Answers no more: what runs may end within the time of {@link Builder#drain}, then it is cancelled; then all models are
     * unloaded. Closing again waits for that and changes nothing.
     */
    @Override
    public void close() {
        boolean first;
        synchronized (this) {
            first = !closing;
            closing = true;
        }
        if (!first) {
            return;
        }
        housekeeping.shutdownNow();
        front.drain(drain);
        transport.stop();
        models.close();
        closed.countDown();
    }

    /** What a server is to be. */
    public static final class Builder {
        private final Engine engine;
        private final List<ModelEntry> entries = new ArrayList<>();
        private final List<String> hosts = new ArrayList<>();
        private final List<String> origins = new ArrayList<>();
        private final List<String> keys = new ArrayList<>();
        private ModelFinder finder = ModelFinder.NONE;
        private String host = "127.0.0.1";
        private int port = 8080;
        private int parallel = 8;
        private int queue = 64;
        private int mostLoaded;
        private boolean page = true;
        private boolean slotsShown = true;
        private boolean metricsShown = true;
        private int maxBody = 32 << 20;
        private Duration keepAlive = Duration.ofSeconds(-1);
        private Duration beat = Duration.ofMillis(500);
        private Duration patience = Duration.ofSeconds(60);
        private Duration drain = Duration.ofSeconds(10);

        private Builder(Engine engine) {
            this.engine = Objects.requireNonNull(engine, "engine");
        }

        /** Adds a model as its file has it; the first one is that of requests that name none. */
        public Builder model(String name, Path file) {
            return model(ModelEntry.of(name, file));
        }

        /** Adds a model. */
        public Builder model(ModelEntry entry) {
            if (entries.stream().anyMatch(other -> other.name().equals(entry.name()))) {
                throw new IllegalArgumentException("there are two models of the name " + entry.name());
            }
            entries.add(entry);
            return this;
        }

        /** Where further models are found. */
        public Builder finder(ModelFinder value) {
            finder = Objects.requireNonNull(value, "finder");
            return this;
        }

        /** The address it listens at, a name or a number; by default that of this machine for itself, {@code 127.0.0.1}. */
        public Builder host(String value) {
            host = Objects.requireNonNull(value, "host");
            return this;
        }

        /** The port, 0 for one that is free; 8080 by default. */
        public Builder port(int value) {
            port = inRange("port", value, 0, 65535);
            return this;
        }

        /** Answers that are made at a time, 8 by default. */
        public Builder parallel(int value) {
            parallel = inRange("parallel", value, 1, 1024);
            return this;
        }

        /** Requests that may wait for their turn, 64 by default; more are told to come again. */
        public Builder queue(int value) {
            queue = inRange("queue", value, 0, 65536);
            return this;
        }

        /** Models that are loaded at a time; 0, the default, for as many as memory has room for. */
        public Builder mostLoaded(int value) {
            mostLoaded = inRange("mostLoaded", value, 0, 1024);
            return this;
        }

        /** Whether a chat page is served at {@code /}, as it is by default. */
        public Builder page(boolean value) {
            page = value;
            return this;
        }

        /** Whether {@code /slots} tells what is being done, as it does by default. */
        public Builder showSlots(boolean value) {
            slotsShown = value;
            return this;
        }

        /** Whether {@code /metrics} tells counts and times, as it does by default. */
        public Builder showMetrics(boolean value) {
            metricsShown = value;
            return this;
        }

        /** Bytes of a request's body at most, 32 MiB by default. */
        public Builder maxBody(int value) {
            maxBody = inRange("maxBody", value, 1, 1 << 30);
            return this;
        }

        /** How long an unused model stays loaded; negative, the default, for as long as memory has room for it. */
        public Builder keepAlive(Duration value) {
            keepAlive = Objects.requireNonNull(value, "keepAlive");
            return this;
        }

        /**
         * How long nothing is sent while an answer is made, half a second by default: then a sign of life is, by which a client that
         * left is noticed.
         */
        public Builder beat(Duration value) {
            beat = positive("beat", value);
            return this;
        }

        /** How long a client may take to send a body or to read what it was sent, a minute by default. */
        public Builder patience(Duration value) {
            patience = positive("patience", value);
            return this;
        }

        /** How long {@link #close} waits for answers that are being made, 10 seconds by default. */
        public Builder drain(Duration value) {
            drain = Objects.requireNonNull(value, "drain");
            return this;
        }

        /** Adds a key of which clients have to give one. */
        public Builder apiKey(String value) {
            if (value.isBlank()) {
                throw new IllegalArgumentException("an API key must not be blank");
            }
            keys.add(value);
            return this;
        }

        /** Adds a name by which the server may be called; only addresses and {@code localhost} are else. */
        public Builder allowHost(String value) {
            hosts.add(Objects.requireNonNull(value, "host"));
            return this;
        }

        /**
         * Adds the origin of other pages that may ask, as {@code https://example.org}, {@code localhost} for those of this machine
         * at any port, or {@code *} for any.
         */
        public Builder allowOrigin(String value) {
            origins.add(Objects.requireNonNull(value, "origin"));
            return this;
        }

        private static int inRange(String name, int value, int least, int most) {
            if (value < least || value > most) {
                throw new IllegalArgumentException(name + " must be from " + least + " to " + most + ", not " + value);
            }
            return value;
        }

        private static Duration positive(String name, Duration value) {
            if (value.isNegative() || value.isZero()) {
                throw new IllegalArgumentException(name + " must be more than 0, not " + value);
            }
            return value;
        }

        /**
         * Begins to serve.
         *
         * @throws IOException if the address is in use or cannot be listened at
         */
        public NibbleServer start() throws IOException {
            return new NibbleServer(this);
        }
    }
}
