package dev.nibble.server.http;

import java.net.InetSocketAddress;
import java.util.function.Consumer;

/** What carries requests: it may be replaced without anything else being touched. */
public interface HttpTransport {
    /**
     * Begins to accept requests.
     *
     * @param handler is called in a thread of its own for each request, may block, and closes the exchange
     */
    void start(Consumer<Exchange> handler);

    /** Where it listens. */
    InetSocketAddress address();

    /** Accepts no more and closes all connections. */
    void stop();
}
