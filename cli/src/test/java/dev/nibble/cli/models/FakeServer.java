package dev.nibble.cli.models;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;

/** A server on this machine that answers with what a test laid down, and misbehaves as it is told. */
final class FakeServer implements AutoCloseable {
    private final HttpServer server;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Map<String, Body> pages = new ConcurrentHashMap<>();
    private final CountDownLatch closing = new CountDownLatch(1);
    private final List<String> requests = Collections.synchronizedList(new ArrayList<>());

    /** Writes an answer. */
    @FunctionalInterface
    interface Body {
        void answer(HttpExchange exchange) throws IOException;
    }

    FakeServer() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.setExecutor(threads);
        server.createContext("/", this::handle);
        server.start();
    }

    String url() {
        return "http://127.0.0.1:" + server.getAddress().getPort();
    }

    /** Requests so far, as {@code PATH?QUERY range authorization}. */
    List<String> requests() {
        return List.copyOf(requests);
    }

    void text(String path, int status, String text, Map<String, String> headers) {
        on(path, exchange -> send(exchange, status, text.getBytes(StandardCharsets.UTF_8), headers));
    }

    void text(String path, String text) {
        text(path, 200, text, Map.of());
    }

    /** Serves a file; ranges are honoured. */
    void file(String path, byte[] content) {
        on(path, exchange -> send(exchange, content));
    }

    /** Sends a file from the beginning whatever range is asked for. */
    void fileWithoutRanges(String path, byte[] content) {
        on(path, exchange -> send(exchange, 200, content, Map.of()));
    }

    /** Breaks the first {@code times} connections off after {@code bytes} bytes, then serves the file. */
    void breaking(String path, byte[] content, int bytes, int times) {
        int[] broken = {0};
        on(path, exchange -> {
            int start = rangeStart(exchange);
            if (broken[0]++ < times) {
                exchange.getResponseHeaders().add("Content-Range", contentRange(start, content));
                exchange.sendResponseHeaders(start > 0 ? 206 : 200, content.length - start);
                exchange.getResponseBody().write(content, start, Math.min(bytes, content.length - start));
                exchange.getResponseBody().flush();
                throw new IOException("broken off on purpose");
            }
            send(exchange, content);
        });
    }

    /** Accepts the request and says nothing until the server is closed. */
    void hanging(String path) {
        on(path, exchange -> {
            try {
                closing.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        });
    }

    void on(String path, Body body) {
        pages.put(path, body);
    }

    private void handle(HttpExchange exchange) throws IOException {
        String range = exchange.getRequestHeaders().getFirst("Range");
        String authorization = exchange.getRequestHeaders().getFirst("Authorization");
        requests.add(exchange.getRequestURI()
                + (range == null ? "" : " " + range)
                + (authorization == null ? "" : " " + authorization));
        Body page = pages.get(exchange.getRequestURI().toString());
        if (page == null) {
            send(exchange, 404, "not found".getBytes(StandardCharsets.UTF_8), Map.of());
            return;
        }
        try (exchange) {
            page.answer(exchange);
        }
    }

    private static int rangeStart(HttpExchange exchange) {
        String range = exchange.getRequestHeaders().getFirst("Range");
        return range == null ? 0 : Integer.parseInt(range.replaceAll("bytes=(\\d+)-.*", "$1"));
    }

    private static void send(HttpExchange exchange, byte[] content) throws IOException {
        int start = rangeStart(exchange);
        if (start == 0) {
            send(exchange, 200, content, Map.of());
        } else if (start >= content.length) {
            send(exchange, 416, new byte[0], Map.of());
        } else {
            send(
                    exchange,
                    206,
                    Arrays.copyOfRange(content, start, content.length),
                    Map.of("Content-Range", contentRange(start, content)));
        }
    }

    private static String contentRange(int start, byte[] content) {
        return "bytes " + start + "-" + (content.length - 1) + "/" + content.length;
    }

    private static void send(HttpExchange exchange, int status, byte[] body, Map<String, String> headers)
            throws IOException {
        headers.forEach((name, value) -> exchange.getResponseHeaders().add(name, value));
        exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
        try (OutputStream out = exchange.getResponseBody()) {
            out.write(body);
        }
    }

    @Override
    public void close() {
        closing.countDown();
        server.stop(0);
        threads.shutdownNow();
    }
}
