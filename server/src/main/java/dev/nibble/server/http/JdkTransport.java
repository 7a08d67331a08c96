package dev.nibble.server.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetSocketAddress;
import java.util.Map;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The HTTP server of the JDK: HTTP/1.1, a thread for each request that is being answered, kept a while for later ones.
 *
 * <p>Threads of the system, not virtual ones: those share carriers with all that is virtual in the process, and the dispatcher of the
 * server, which takes every connection, takes a lock that they hold. One that waits for a carrier then keeps all others from being
 * heard, for seconds where processors are busy.
 */
public final class JdkTransport implements HttpTransport {
    private static final int BACKLOG = 512;

    private final HttpServer server;
    /** Threads that are always there: a start waits until the new thread has run, and the dispatcher would wait with it. */
    private static final int READY = 64;

    private final ThreadPoolExecutor executor = new ThreadPoolExecutor(
            READY,
            Integer.MAX_VALUE,
            60,
            TimeUnit.SECONDS,
            new SynchronousQueue<>(),
            Thread.ofPlatform().daemon().name("nibble-http-", 0).factory());

    /**
     * Listens at an address; port 0 for any that is free.
     *
     * @throws IOException if it cannot
     */
    public JdkTransport(InetSocketAddress address) throws IOException {
        server = HttpServer.create(address, BACKLOG);
    }

    @Override
    public void start(Consumer<Exchange> handler) {
        executor.prestartAllCoreThreads();
        server.setExecutor(executor);
        server.createContext("/", exchange -> handler.accept(new JdkExchange(exchange)));
        server.start();
    }

    @Override
    public InetSocketAddress address() {
        return server.getAddress();
    }

    @Override
    public void stop() {
        server.stop(0);
        executor.shutdownNow();
    }

    private record JdkExchange(HttpExchange exchange) implements Exchange {
        @Override
        public String method() {
            return exchange.getRequestMethod();
        }

        @Override
        public String rawPath() {
            String path = exchange.getRequestURI().getRawPath();
            return path == null ? "/" : path;
        }

        @Override
        public @Nullable String rawQuery() {
            return exchange.getRequestURI().getRawQuery();
        }

        @Override
        public @Nullable String header(String name) {
            return exchange.getRequestHeaders().getFirst(name);
        }

        @Override
        public InputStream body() {
            return exchange.getRequestBody();
        }

        @Override
        public OutputStream begin(int status, Map<String, String> headers, long length) throws IOException {
            headers.forEach(exchange.getResponseHeaders()::set);
            boolean empty = length == 0 || method().equals("HEAD");
            // The server of the JDK takes 0 for chunks and -1 for no body.
            exchange.sendResponseHeaders(status, empty ? -1 : length == CHUNKED ? 0 : length);
            return empty ? OutputStream.nullOutputStream() : exchange.getResponseBody();
        }

        @Override
        public void close() {
            exchange.close();
        }
    }
}
