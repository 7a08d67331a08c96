package dev.nibble.server;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.server.TestServer.Reply;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.Test;

/** Clients that leave, are slow, are many, or send rubbish. */
class ReliabilityTest {
    /** An answer that goes on until the context is full. */
    private static final String ENDLESS = "{'prompt': 'a', 'ignore_eos': true, 'max_tokens': 60000, 'stream': STREAM}";

    private static final String SHORT = "{'prompt': 'a', 'max_tokens': 1}";

    /** With so large a context that an endless answer takes as long as a test does. */
    private static TestServer start(int parallel, int queue) throws IOException {
        return TestServer.start(builder -> builder.model(ModelEntry.of("long", TestServer.model("llama"))
                        .withLoad(dev.nibble.LoadOptions.DEFAULT.withContextLength(65536)))
                .parallel(parallel)
                .queue(queue)
                .patience(Duration.ofSeconds(2))
                .drain(Duration.ofMillis(200)));
    }

    private static String endless(boolean stream) {
        return ENDLESS.replace("STREAM", String.valueOf(stream)).replace("{'p", "{'model': 'long', 'p");
    }

    private static void await(BooleanSupplier condition) throws InterruptedException {
        long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
        while (!condition.getAsBoolean()) {
            assertThat(System.nanoTime()).as("it came to that in time").isLessThan(end);
            Thread.sleep(10);
        }
    }

    @Test
    void aClientThatLeavesFreesItsTurn() throws Exception {
        try (TestServer server = start(1, 4)) {
            for (boolean stream : new boolean[] {true, false}) {
                try (RawClient client = new RawClient(server.server)) {
                    client.post("/v1/completions", endless(stream));
                    await(() -> server.server.running() == 1);
                }
                await(() -> server.server.running() == 0);
                assertThat(server.post("/v1/completions", SHORT).status()).isEqualTo(200);
            }
        }
    }

    @Test
    void aClientThatLeavesEndsAllOfItsAnswers() throws Exception {
        try (TestServer server = start(1, 4)) {
            try (RawClient client = new RawClient(server.server)) {
                client.post("/v1/completions", endless(false).replace("}", ", 'n': 3}"));
                await(() -> server.server.running() == 1);
            }
            await(() -> server.server.running() == 0);
            await(() -> LoadTest.threadsOfRequests().isEmpty());
        }
    }

    @Test
    void aClientThatLeavesTheQueueIsNotAnswered() throws Exception {
        try (TestServer server = start(1, 4)) {
            try (RawClient running = new RawClient(server.server)) {
                running.post("/v1/completions", endless(true));
                await(() -> server.server.running() == 1);
                try (RawClient waiting = new RawClient(server.server)) {
                    waiting.post("/v1/completions", endless(false));
                    await(() -> server.server.waiting() == 1);
                }
                await(() -> server.server.waiting() == 0);
                assertThat(server.server.running()).isEqualTo(1);
            }
        }
    }

    @Test
    void whoComesToAFullQueueIsToldToComeAgain() throws Exception {
        try (TestServer server = start(1, 1)) {
            List<RawClient> clients = new ArrayList<>();
            for (int i = 0; i < 2; i++) {
                clients.add(new RawClient(server.server).post("/v1/completions", endless(true)));
                int expected = i;
                await(() -> server.server.running() == 1 && server.server.waiting() == expected);
            }
            Reply full = server.post(
                    "/v1/chat/completions", "{'stream': true, 'messages': [{'role': 'user', 'content': 'a'}]}");
            assertThat(full.status()).isEqualTo(503);
            assertThat(full.header("retry-after")).isEqualTo("1");
            assertThat(full.string("error.type")).isEqualTo("unavailable_error");
            assertThat(server.get("/health").status()).isEqualTo(200);
            for (RawClient client : clients) {
                client.close();
            }
            await(() -> server.server.running() == 0);
        }
    }

    @Test
    void whoWaitsIsAnsweredInTurn() throws Exception {
        try (TestServer server = start(1, 8)) {
            List<CompletableFuture<Integer>> answers = new ArrayList<>();
            for (int i = 0; i < 6; i++) {
                answers.add(CompletableFuture.supplyAsync(
                        () -> server.post("/v1/completions", SHORT).status()));
            }
            for (CompletableFuture<Integer> answer : answers) {
                assertThat(answer.get(30, TimeUnit.SECONDS)).isEqualTo(200);
            }
        }
    }

    @Test
    void aClientThatDoesNotReadIsGivenUpAndStallsNobody() throws Exception {
        try (TestServer server = start(2, 4);
                RawClient slow = new RawClient(server.server, 1024)) {
            slow.post("/v1/completions", endless(true).replace("}", ", 'logprobs': 20}"));
            await(() -> server.server.running() == 1);
            assertThat(server.post("/v1/completions", SHORT).status()).isEqualTo(200);
            await(() -> server.server.running() == 0);
        }
    }

    @Test
    void aBodyThatDoesNotComeIsGivenUp() throws Exception {
        try (TestServer server = start(1, 1);
                RawClient client = new RawClient(server.server)) {
            client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{");

            client.readUntil("never comes");

            assertThat(server.server.running()).isZero();
            assertThat(server.get("/health").status()).isEqualTo(200);
        }
    }

    @Test
    void aBodyWhoseChunksAreWrongEndsTheConnection() throws Exception {
        try (TestServer server = TestServer.start(builder -> builder.patience(Duration.ofSeconds(60)));
                RawClient client = new RawClient(server.server)) {
            client.send("POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n");

            assertThat(client.readUntil("never comes")).isEmpty();
        }
    }

    @Test
    void aBodyThatIsTooLargeIsRefusedWithTheLimit() throws IOException {
        try (TestServer server = TestServer.start(builder -> builder.maxBody(1000))) {
            Reply reply = server.post("/v1/completions", "{'prompt': '" + "a".repeat(1000) + "'}");
            Reply chunked = server.send(server.request("/v1/completions")
                    .POST(HttpRequest.BodyPublishers.ofInputStream(
                            () -> new java.io.ByteArrayInputStream(new byte[2000]))));

            assertThat(reply.status()).isEqualTo(413);
            assertThat(reply.string("error.message")).contains("1000");
            assertThat(chunked.status()).isEqualTo(413);
        }
    }

    @Test
    void closingCancelsWhatRunsAndRefusesWhatWaits() throws Exception {
        TestServer server = start(1, 4);
        try (RawClient client = new RawClient(server.server)) {
            client.post("/v1/completions", endless(false));
            await(() -> server.server.running() == 1);
            long start = System.nanoTime();

            server.close();

            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(20));
            assertThat(server.engine.memoryUsed()).isZero();
        }
    }

    @Test
    void onlyOwnNamesAreAnswered() throws Exception {
        try (TestServer server = TestServer.start(builder -> builder.allowHost("llm.example"))) {
            String[][] cases = {
                {"localhost:1", "200"},
                {"127.0.0.1", "200"},
                {"[::1]:8080", "200"},
                {"LLM.example:80", "200"},
                {"sub.localhost", "200"},
                {"evil.example", "403"},
                {"localhost.evil.example", "403"},
                {"127.0.0.1.evil.example", "403"},
                {"", "403"}
            };
            for (String[] one : cases) {
                try (RawClient client = new RawClient(server.server)) {
                    client.send("GET /health HTTP/1.1\r\nHost: " + one[0] + "\r\n\r\n");
                    assertThat(client.readUntil("\r\n")).as(one[0]).contains(" " + one[1] + " ");
                }
            }
        }
    }

    @Test
    void pagesOfOthersMayNotAskUnlessAllowed() throws IOException {
        try (TestServer server = TestServer.start(builder -> builder.allowOrigin("https://good.example"))) {
            Reply evil = server.send(server.request("/v1/completions")
                    .header("Origin", "https://evil.example")
                    .POST(HttpRequest.BodyPublishers.ofString("{}")));
            assertThat(evil.status()).isEqualTo(403);
            assertThat(evil.header("access-control-allow-origin")).isNull();
            Reply good = server.send(server.request("/v1/models").header("Origin", "https://good.example"));
            assertThat(good.header("access-control-allow-origin")).isEqualTo("https://good.example");
            Reply own = server.send(server.request("/v1/completions")
                    .header("Origin", String.valueOf(server.server.uri()))
                    .POST(HttpRequest.BodyPublishers.ofString("{\"prompt\": \"a\", \"max_tokens\": 1}")));
            assertThat(own.status()).isEqualTo(200);
            Reply asked = server.send(server.request("/v1/completions")
                    .header("Origin", "https://good.example")
                    .header("Access-Control-Request-Headers", "authorization")
                    .method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
            assertThat(asked.status()).isEqualTo(200);
            assertThat(asked.header("access-control-allow-headers")).isEqualTo("authorization");
        }
    }

    @Test
    void pagesOfThisMachineMayAskWhereTheyAreAllowed() throws IOException {
        try (TestServer server = TestServer.start(builder -> builder.allowOrigin("localhost"))) {
            for (String origin : List.of("http://localhost", "http://127.0.0.1:3000", "https://[::1]:1")) {
                assertThat(server.send(server.request("/v1/models").header("Origin", origin))
                                .header("access-control-allow-origin"))
                        .isEqualTo(origin);
            }
            for (String origin : List.of("http://localhost.evil.example", "http://notlocalhost", "null")) {
                assertThat(server.send(server.request("/v1/models").header("Origin", origin))
                                .header("access-control-allow-origin"))
                        .as(origin)
                        .isNull();
            }
        }
    }

    @Test
    void aPathIsToldToTakeItsMethodsAlone() throws IOException {
        try (TestServer server = TestServer.start()) {
            for (String[] one : new String[][] {{"/health", "GET, OPTIONS"}, {"/props", "GET, POST, OPTIONS"}}) {
                Reply reply =
                        server.send(server.request(one[0]).method("OPTIONS", HttpRequest.BodyPublishers.noBody()));
                assertThat(reply.status()).isEqualTo(200);
                assertThat(reply.header("allow")).isEqualTo(one[1]);
            }
        }
    }

    @Test
    void aKeyIsNeededWhereThereAreSome() throws IOException {
        try (TestServer server =
                TestServer.start(builder -> builder.apiKey("first").apiKey("second"))) {
            assertThat(server.get("/health").status()).isEqualTo(200);
            Reply without = server.get("/v1/models");
            assertThat(without.status()).isEqualTo(401);
            assertThat(without.string("error.code")).isEqualTo("invalid_api_key");
            for (String[] header : new String[][] {
                {"Authorization", "Bearer first", "200"},
                {"Authorization", "bearer second", "200"},
                {"x-api-key", "second", "200"},
                {"x-api-key", "third", "401"},
                {"Authorization", "Bearer firs", "401"},
                {"Authorization", "Basic first", "401"}
            }) {
                Reply reply = server.send(server.request("/v1/models").header(header[0], header[1]));
                assertThat(String.valueOf(reply.status())).as(header[1]).isEqualTo(header[2]);
            }
            assertThat(server.get("/v1/nothing").status()).isEqualTo(401);
        }
    }

    @Test
    void rubbishIsAnsweredWithAnErrorOfTheClient() throws Exception {
        try (TestServer server = TestServer.start()) {
            for (String rubbish : List.of(
                    "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nContent-Type: x\r\n\r\n\u0000\u00ff\"{",
                    "POST /v1/%zz HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    "BREW /v1/completions HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    "GET /v1/models/%00 HTTP/1.1\r\nHost: localhost\r\n\r\n",
                    "GET /../../etc/passwd HTTP/1.1\r\nHost: localhost\r\n\r\n")) {
                try (RawClient client = new RawClient(server.server)) {
                    client.send(rubbish);
                    assertThat(client.readUntil("\r\n")).as(rubbish).matches("(?s)HTTP/1.1 4\\d\\d .*");
                }
            }
            assertThat(server.get("/health").status()).isEqualTo(200);
        }
    }

    @Test
    void modelsAreUnloadedForOthersAndWhenIdle() throws Exception {
        try (TestServer server =
                TestServer.start(builder -> builder.mostLoaded(1).keepAlive(Duration.ofMillis(1)))) {
            assertThat(server.post("/v1/completions", SHORT).status()).isEqualTo(200);
            assertThat(server.post("/v1/embeddings", "{'model': 'embed', 'input': 'a'}")
                            .status())
                    .isEqualTo(200);
            assertThat(server.post("/v1/completions", SHORT).status()).isEqualTo(200);
            await(() -> server.server.loaded().isEmpty());
        }
    }

    @Test
    void theAddressIsOneOfThisMachineAlone() throws IOException {
        try (TestServer server = TestServer.start()) {
            assertThat(server.server.address().getAddress().isLoopbackAddress()).isTrue();
            assertThat(server.server.uri())
                    .isEqualTo(URI.create(
                            "http://127.0.0.1:" + server.server.address().getPort()));
        }
    }
}
