package dev.nibble.server.http;

import dev.nibble.server.http.AnswerStreamWriter.Format;
import dev.nibble.server.http.RequestException.Kind;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * A request on its way to an answer. The thread that works on it writes; while it does not, the thread of the connection sends
 * beats, which tell a client that it is not forgotten, and tell here whether there still is one.
 */
public final class Call {
    private final Exchange exchange;
    private final String id;
    private final Limits limits;
    private final Map<String, String> headers = new LinkedHashMap<>();
    private final ReentrantLock writing = new ReentrantLock();
    private final List<Runnable> whenGone = new ArrayList<>(); // guarded by itself

    private @Nullable Format format; // guarded by writing, as the next three
    private @Nullable OutputStream out;
    private boolean ended;
    private long lastWrite = System.nanoTime();

    private int status; // guarded by writing
    private volatile boolean beats;
    private volatile boolean gone;
    private volatile long blockedSince;
    private volatile @Nullable Thread blocked;

    Call(Exchange exchange, String id, Limits limits) {
        this.exchange = exchange;
        this.id = id;
        this.limits = limits;
    }

    /** What the request is called in logs and answers. */
    public String id() {
        return id;
    }

    /** The method; that of a HEAD is GET, as they are the same but for the body. */
    public String method() {
        return exchange.method().equals("HEAD") ? "GET" : exchange.method();
    }

    /** The path without its escapes. */
    public String path() {
        return decode(exchange.rawPath().replace("+", "%2B"));
    }

    /** A parameter of the query, null if it is not there. */
    public @Nullable String query(String name) {
        String query = exchange.rawQuery();
        for (String pair : query == null ? new String[0] : query.split("&", -1)) {
            int equals = pair.indexOf('=');
            if (decode(equals < 0 ? pair : pair.substring(0, equals)).equals(name)) {
                return equals < 0 ? "" : decode(pair.substring(equals + 1));
            }
        }
        return null;
    }

    private static String decode(String text) {
        try {
            return URLDecoder.decode(text, StandardCharsets.UTF_8);
        } catch (IllegalArgumentException e) {
            throw RequestException.invalid("the address has an escape that is none");
        }
    }

    /** A header of the request, null if it is not there. */
    public @Nullable String header(String name) {
        return exchange.header(name);
    }

    /** Sets a header of the answer, which must not have begun. */
    public void answerHeader(String name, String value) {
        headers.put(name, value);
    }

    /** The body as a JSON object. */
    public Fields fields() {
        return Fields.parse(body());
    }

    /** The body, which may not be larger than the limit. */
    private byte[] body() {
        String length = header("Content-Length");
        if (length != null && length.length() > 18 || length != null && Long.parseLong(length) > limits.maxBody()) {
            throw tooLarge();
        }
        watch(true);
        try {
            InputStream in = exchange.body(); // not closed: that would read on where the chunks are wrong, and wait
            byte[] body = in.readNBytes(limits.maxBody() + 1);
            if (body.length > limits.maxBody()) {
                throw tooLarge();
            }
            return body;
        } catch (IOException e) {
            if (Thread.interrupted()) {
                throw RequestException.of(Kind.TIMEOUT, "the body did not come in time");
            }
            leave();
            throw new ClientGoneException();
        } finally {
            watch(false);
        }
    }

    private RequestException tooLarge() {
        return RequestException.of(
                Kind.TOO_LARGE, "the body is larger than the limit of " + limits.maxBody() + " bytes");
    }

    /** Answers with a JSON value. */
    public void json(int code, Object value) {
        bytes(code, "application/json", Json.bytes(value));
    }

    /** Answers with a text. */
    public void text(int code, String contentType, String text) {
        bytes(code, contentType, text.getBytes(StandardCharsets.UTF_8));
    }

    /** Answers; after beats were sent the status is one of success whatever it should be. */
    public void bytes(int code, String contentType, byte[] body) {
        writing.lock();
        try {
            if (out == null) {
                status = code;
                headers.put("Content-Type", contentType);
                watch(true);
                out = exchange.begin(code, headers, body.length);
            }
            watch(true);
            out.write(body);
            out.close();
            ended = true;
        } catch (IOException e) {
            leave();
            throw new ClientGoneException();
        } finally {
            watch(false);
            writing.unlock();
        }
    }

    /** A writer of an answer in pieces, which is not begun yet. */
    public AnswerStreamWriter writer(Format how) {
        return new AnswerStreamWriter(this, how);
    }

    /** Says in which form the answer will come, and that it may begin with beats from now on: nothing can be refused then. */
    public AnswerStreamWriter stream(Format how) {
        writing.lock();
        try {
            format = how;
            lastWrite = System.nanoTime();
            beats = true;
        } finally {
            writing.unlock();
        }
        return new AnswerStreamWriter(this, how);
    }

    /** The stream that was begun, null if a plain answer can still be given. */
    @Nullable AnswerStreamWriter begun() {
        writing.lock();
        try {
            return out == null || format == null || format == Format.JSON ? null : new AnswerStreamWriter(this, format);
        } finally {
            writing.unlock();
        }
    }

    /**
     * Sends a piece.
     *
     * @param last whether nothing follows, no beat either: a line of its own would be no value
     */
    void write(String text, boolean last) {
        writing.lock();
        try {
            beats = beats && !last;
            send(text.getBytes(StandardCharsets.UTF_8));
        } finally {
            writing.unlock();
        }
    }

    /** Sends a beat if nothing was sent for a while. */
    void beat() {
        if (!beats || gone || !writing.tryLock()) { // who writes needs no beat
            return;
        }
        try {
            if (beats
                    && !ended
                    && format != null
                    && System.nanoTime() - lastWrite >= limits.beat().toNanos()) {
                send(format.beat());
            }
        } catch (ClientGoneException e) {
            return; // it is noted, and the work ends by that
        } finally {
            writing.unlock();
        }
    }

    private void send(byte[] bytes) {
        if (gone) {
            throw new ClientGoneException();
        }
        watch(true);
        try {
            if (out == null) {
                status = 200;
                headers.put("Content-Type", format == null ? "application/json" : format.contentType());
                headers.put("Cache-Control", "no-cache");
                headers.put("X-Accel-Buffering", "no");
                out = exchange.begin(200, headers, Exchange.CHUNKED);
            }
            out.write(bytes);
            out.flush();
            lastWrite = System.nanoTime();
        } catch (IOException e) {
            leave();
            throw new ClientGoneException();
        } finally {
            watch(false);
        }
    }

    /** Whether nobody waits for the answer any more. */
    public boolean isGone() {
        return gone;
    }

    /** What ends the work for a client that is gone. */
    public ClientGoneException gone() {
        return new ClientGoneException();
    }

    /** Runs something as soon as the client is known to be gone; at once if it is. */
    public void whenGone(Runnable action) {
        synchronized (whenGone) {
            if (!gone) {
                whenGone.add(action);
                return;
            }
        }
        action.run();
    }

    /** Notes that the client is gone, or that the server wants the call to end. */
    void leave() {
        List<Runnable> actions;
        synchronized (whenGone) {
            gone = true;
            actions = List.copyOf(whenGone);
            whenGone.clear();
        }
        actions.forEach(Runnable::run);
    }

    /** Ends the exchange: what was begun is finished, unless it failed. */
    void close(boolean complete) {
        writing.lock();
        try {
            if (out != null && complete && !ended && !gone) {
                ended = true;
                watch(true);
                out.close();
            }
        } catch (IOException e) {
            leave();
        } finally {
            watch(false);
            writing.unlock();
            exchange.close();
        }
    }

    /** The status that was sent, 0 if none was. */
    int status() {
        return status;
    }

    private void watch(boolean begins) {
        blockedSince = System.nanoTime();
        blocked = begins ? Thread.currentThread() : null;
    }

    /** Ends a read or a write that has waited for the client for too long. */
    void endBlocked(Duration patience) {
        Thread thread = blocked;
        if (thread != null && System.nanoTime() - blockedSince > patience.toNanos()) {
            leave();
            thread.interrupt();
        }
    }
}
