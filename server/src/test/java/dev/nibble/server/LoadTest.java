package dev.nibble.server;

import static dev.nibble.server.TestServer.at;
import static dev.nibble.server.TestServer.joined;
import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import org.junit.jupiter.api.Test;

/**
 * Many clients at a time, of which a third leave early, some read slowly and some send rubbish: all others get the answer that they
 * would get alone, and afterwards nothing is left of it. For {@code -Dnibble.load.seconds}, with the model
 * {@code -Dnibble.load.model} or a tiny one; what was measured is printed.
 */
class LoadTest {
    private static final long SECONDS = Long.getLong("nibble.load.seconds", 4);
    private static final int CLIENTS = 64;
    private static final int TOKENS = 12;
    private static final long MOST_SECONDS = 60;

    /** Generous: what else a machine does in a build must not matter. */
    private static final long MOST_HEALTH_MILLIS = 5000;

    private static final List<String> PROMPTS =
            List.of("a", "once there was", "one two three", "Hello", "the the the", "x y", "why", "list of things:");

    private static final List<String> RUBBISH = List.of(
            "POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\n{\"a\u0000",
            "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "POST /api/chat HTTP/1.1\r\nHost: localhost\r\nContent-Length: 30\r\n\r\n{\"model\": \"long\", \"messages\":3}",
            "GET /v1/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "BREW / HTTP/1.1\r\nHost: localhost\r\n\r\n");

    private final Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    private final Map<String, LongAdder> counts = new ConcurrentHashMap<>();
    private final List<Long> health = Collections.synchronizedList(new ArrayList<>());
    private final List<Long> late = Collections.synchronizedList(new ArrayList<>());
    private final Map<String, String> alone = new ConcurrentHashMap<>();

    private static Path model() {
        String given = System.getProperty("nibble.load.model");
        return given == null ? TestServer.model("llama") : Path.of(given);
    }

    /** Whether an answer does not depend, in its last bits, on what is evaluated with it. */
    private static boolean isInvariant(TestServer server) throws IOException {
        try (LanguageModel model = LanguageModel.load(model(), LoadOptions.DEFAULT.withEngine(server.engine))) {
            return model.kernels().values().stream().allMatch(kernel -> kernel.startsWith("machine code"));
        }
    }

    @Test
    void allAreAnsweredAsIfTheyWereAlone() throws Exception {
        try (TestServer server = TestServer.start(builder -> builder.model(
                        ModelEntry.of("long", model()).withLoad(LoadOptions.DEFAULT.withContextLength(4096)))
                .queue(2 * CLIENTS))) {
            boolean invariant = isInvariant(server);
            for (String prompt : PROMPTS) {
                alone.put(prompt, text(server, prompt));
            }
            long[] threads = {0, 0};
            long[] resident = {0, 0};
            long start = System.nanoTime();
            long end = start + TimeUnit.SECONDS.toNanos(SECONDS);
            List<Future<?>> clients = new ArrayList<>();
            try (ExecutorService executor = Executors.newThreadPerTaskExecutor(
                    Thread.ofPlatform().daemon().name("client-", 0).factory())) { // virtual ones are the server's
                for (int i = 0; i < CLIENTS; i++) {
                    int number = i;
                    clients.add(executor.submit(() -> client(server, number, invariant, end)));
                }
                Thread watch = Thread.ofPlatform().start(() -> watch(server, end));
                TimeUnit.NANOSECONDS.sleep((end - start) / 3);
                threads[0] = Thread.getAllStackTraces().size();
                resident[0] = resident();
                for (Future<?> client : clients) {
                    client.get(SECONDS + 2 * MOST_SECONDS, TimeUnit.SECONDS);
                }
                watch.join();
            }
            long idleMillis = awaitIdle(server);
            threads[1] = Thread.getAllStackTraces().size();
            resident[1] = resident();

            report(invariant, idleMillis, threads, resident);
            assertThat(failures).isEmpty();
            assertThat(count("answered")).isPositive();
            assertThat(count("left")).isPositive();
            assertThat(health).isNotEmpty();
            assertThat(Collections.max(health)).isLessThan(MOST_HEALTH_MILLIS);
            assertThat(threads[1]).isLessThanOrEqualTo(threads[0] + 8);
            assertThat(threadsOfRequests()).isEmpty();
            assertThat(text(server, PROMPTS.getFirst())).isEqualTo(alone.get(PROMPTS.getFirst()));
        }
    }

    private void report(boolean invariant, long idleMillis, long[] threads, long[] resident) {
        System.out.println("load: " + SECONDS + " s, " + CLIENTS + " clients, " + counts
                + (invariant ? "" : ", texts not compared") + "; health " + quantiles(health)
                + "; a sleeping thread wakes late by " + quantiles(late) + "; idle after " + idleMillis
                + " ms; threads "
                + Arrays.toString(threads) + ", resident MiB " + Arrays.toString(resident));
    }

    private static String quantiles(List<Long> millis) {
        long[] times = millis.stream().mapToLong(Long::longValue).sorted().toArray();
        return times.length == 0
                ? "not measured"
                : times.length + " times, median " + times[times.length / 2] + " ms, 99% "
                        + times[times.length * 99 / 100] + " ms, most " + times[times.length - 1] + " ms";
    }

    static List<String> threadsOfRequests() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> name.startsWith("nibble-req_"))
                .toList();
    }

    /** MiB of this process, with its clients, that are in memory; 0 where that is not known. */
    private static long resident() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return 0;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", "")) / 1024)
                .sum();
    }

    private long count(String what) {
        return counts.getOrDefault(what, new LongAdder()).sum();
    }

    private void counted(String what) {
        counts.computeIfAbsent(what, key -> new LongAdder()).increment();
    }

    private static long awaitIdle(TestServer server) throws InterruptedException {
        long start = System.nanoTime();
        while (server.server.running() > 0
                || server.server.waiting() > 0
                || !threadsOfRequests().isEmpty()) {
            assertThat(System.nanoTime() - start)
                    .as("nothing runs when nobody is left")
                    .isLessThan(TimeUnit.SECONDS.toNanos(MOST_SECONDS));
            Thread.sleep(5);
        }
        return (System.nanoTime() - start) / 1_000_000;
    }

    private void watch(TestServer server, long end) {
        try {
            while (System.nanoTime() < end) {
                long start = System.nanoTime();
                try (RawClient client = new RawClient(server.server)) {
                    client.send("GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n");
                    assertThat(client.readUntil("\r\n")).contains(" 200 ");
                }
                health.add((System.nanoTime() - start) / 1_000_000);
                long slept = System.nanoTime();
                Thread.sleep(20);
                late.add((System.nanoTime() - slept) / 1_000_000 - 20);
            }
        } catch (Throwable e) {
            failures.add(e);
        }
    }

    private void client(TestServer server, int number, boolean invariant, long end) {
        Random random = new Random(number);
        while (System.nanoTime() < end && failures.isEmpty()) {
            String prompt = PROMPTS.get(random.nextInt(PROMPTS.size()));
            try {
                switch (number % 12) {
                    case 0, 3, 6, 9 -> leave(server, random);
                    case 1 -> rubbish(server, random);
                    case 2 -> check(prompt, slow(server, prompt), invariant);
                    case 4, 5 -> check(prompt, streamed(server, prompt), invariant);
                    case 7 -> check(prompt, lines(server, prompt), invariant);
                    default -> check(prompt, text(server, prompt), invariant);
                }
            } catch (Throwable e) {
                failures.add(new AssertionError("client " + number + ", " + prompt + ": " + e, e));
            }
        }
    }

    private void check(String prompt, String text, boolean invariant) {
        counted("answered");
        if (invariant) {
            assertThat(text).isEqualTo(alone.get(prompt));
        } else {
            assertThat(text).isNotEmpty();
        }
    }

    private static String body(String prompt, String more) {
        return "{\"model\": \"long\", \"prompt\": " + JsonValues.write(prompt) + ", \"ignore_eos\": true, " + more
                + "}";
    }

    private static String greedy(String more) {
        return "\"temperature\": 0, \"max_tokens\": " + TOKENS + more;
    }

    /** Asks again as often as it is told to come again. */
    private TestServer.Reply ask(TestServer server, String path, String body) throws InterruptedException {
        while (true) {
            TestServer.Reply reply = server.post(path, body);
            if (reply.status() != 503) {
                return reply;
            }
            assertThat(reply.header("retry-after")).isEqualTo("1");
            counted("told to come again");
            Thread.sleep(200);
        }
    }

    private String text(TestServer server, String prompt) throws InterruptedException {
        TestServer.Reply reply = ask(server, "/v1/completions", body(prompt, greedy("")));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        return reply.string("choices.0.text");
    }

    private String streamed(TestServer server, String prompt) throws InterruptedException {
        TestServer.Reply reply = ask(server, "/v1/completions", body(prompt, greedy(", \"stream\": true")));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(reply.text()).endsWith("data: [DONE]\n\n");
        return joined(reply.pieces(), "choices.0.text");
    }

    /** As Ollama's clients ask. */
    private String lines(TestServer server, String prompt) throws InterruptedException {
        String options = "\"raw\": true, \"options\": {\"temperature\": 0, \"ignore_eos\": true, \"num_predict\": "
                + TOKENS + "}";
        TestServer.Reply reply = ask(server, "/api/generate", body(prompt, options));
        assertThat(reply.status()).as(reply.text()).isEqualTo(200);
        assertThat(String.valueOf(at(reply.pieces().getLast(), "done"))).isEqualTo("true");
        return joined(reply.pieces(), "response");
    }

    private String slow(TestServer server, String prompt) throws Exception {
        HttpRequest request = server.request("/v1/completions")
                .POST(HttpRequest.BodyPublishers.ofString(body(prompt, greedy(", \"stream\": true"))))
                .build();
        StringBuilder text = new StringBuilder();
        HttpResponse<java.io.InputStream> response =
                server.client.send(request, HttpResponse.BodyHandlers.ofInputStream());
        if (response.statusCode() == 503) {
            response.body().close();
            counted("told to come again");
            Thread.sleep(200);
            return slow(server, prompt);
        }
        try (BufferedReader reader =
                new BufferedReader(new InputStreamReader(response.body(), StandardCharsets.UTF_8))) {
            String line = reader.readLine();
            while (line != null) {
                Thread.sleep(10);
                if (line.startsWith("data: {")) {
                    Object added = at(JsonReader.read(line.substring(6), "a piece"), "choices.0.text");
                    text.append(added == null ? "" : added);
                }
                line = reader.readLine();
            }
        }
        return text.toString();
    }

    /** Asks for what takes long, reads what comes for a moment, and is gone. */
    private void leave(TestServer server, Random random) throws Exception {
        try (RawClient client = new RawClient(server.server)) {
            String more = "\"max_tokens\": 4000, \"stream\": " + random.nextBoolean();
            client.post("/v1/completions", body("a", more));
            Thread.sleep(random.nextInt(200));
        }
        counted("left");
    }

    private void rubbish(TestServer server, Random random) throws Exception {
        String sent = RUBBISH.get(random.nextInt(RUBBISH.size()));
        try (RawClient client = new RawClient(server.server)) {
            client.send(sent);
            assertThat(client.readUntil("\r\n")).as(sent).matches("(?s)(HTTP/1.1 (4\\d\\d|503) .*)?");
        }
        counted("rubbish");
        Thread.sleep(random.nextInt(50));
    }
}
