package dev.nibble.server.http;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One request and its answer, as a transport gives it. The answer may be written by several threads, one at a time. */
public interface Exchange {
    /** The method in capitals. */
    String method();

    /** The path as it was sent, with its escapes and without the query. */
    String rawPath();

    /** What follows the question mark as it was sent, null if there is none. */
    @Nullable String rawQuery();

    /** The first value of a header, null if it is not there; names in any case. */
    @Nullable String header(String name);

    /** The body, with the end that its length or its chunks say. */
    InputStream body() throws IOException;

    /**
     * Sends the status and the headers, once.
     *
     * @param length bytes of the body, or {@link #CHUNKED}
     * @return takes the body; a flush sends what was written
     * @throws IOException if the client is gone
     */
    OutputStream begin(int status, Map<String, String> headers, long length) throws IOException;

    /** A length that is not known: the body is sent in chunks until it is closed. */
    long CHUNKED = -1;

    /** Ends the exchange. Where the answer is not finished, the connection is closed. */
    void close();
}
