package dev.nibble.cli.models;

import java.io.IOException;
import java.io.InputStream;
import java.io.InterruptedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** GET requests with a deadline, redirects, and credentials that stay with the server they are for. */
final class Http implements AutoCloseable {
    private static final int MAX_REDIRECTS = 8;
    private static final int MAX_DOCUMENT = 64 << 20;

    private final HttpClient client;

    Http(Environment environment) {
        client = HttpClient.newBuilder()
                .followRedirects(HttpClient.Redirect.NEVER)
                .connectTimeout(Duration.ofSeconds(5))
                .proxy(new EnvironmentProxy(environment))
                .build();
    }

    /**
     * An answer whose body is still to be read.
     *
     * @param status the HTTP status, never a redirect
     * @param headers names in lower case, the first value of each
     * @param body to be closed by the reader
     */
    record Answer(int status, Map<String, String> headers, InputStream body) implements AutoCloseable {
        Optional<String> header(String lowerCaseName) {
            return Optional.ofNullable(headers.get(lowerCaseName));
        }

        @Override
        public void close() throws IOException {
            body.close();
        }
    }

    /** An answer that was read to its end. */
    record Document(int status, Map<String, String> headers, String body) {}

    /**
     * The document at {@code uri}, whatever its status.
     *
     * @param timeout for all of it: name look-up, connection, answer and body
     * @throws UnreachableException if there is none by then
     */
    Document document(URI uri, Map<String, String> headers, Duration timeout) throws IOException {
        return within(timeout, uri, () -> {
            try (Answer answer = follow(uri, headers)) {
                byte[] body = answer.body().readNBytes(MAX_DOCUMENT);
                return new Document(answer.status(), answer.headers(), new String(body, StandardCharsets.UTF_8));
            }
        });
    }

    /**
     * The answer for {@code uri}; its body comes as it is read, however long that takes.
     *
     * @param timeout until the answer begins
     * @throws UnreachableException if there is none by then
     */
    Answer open(URI uri, Map<String, String> headers, Duration timeout) throws IOException {
        return within(timeout, uri, () -> follow(uri, headers));
    }

    /** Runs {@code request} in a thread of its own, because a look-up of a host name cannot be given a time limit. */
    private static <T> T within(Duration timeout, URI uri, Callable<T> request) throws IOException {
        FutureTask<T> task = new FutureTask<>(request);
        Thread thread = Thread.ofVirtual().start(task);
        try {
            return task.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (TimeoutException e) {
            thread.interrupt();
            throw new UnreachableException(uri.getHost() + " did not answer within " + timeout.toSeconds() + " s", e);
        } catch (InterruptedException e) {
            thread.interrupt();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for " + uri.getHost());
        } catch (ExecutionException e) {
            throw unreachable(uri, e.getCause());
        }
    }

    private static IOException unreachable(URI uri, @Nullable Throwable cause) {
        if (cause instanceof UnreachableException already) {
            return already;
        }
        String reason = cause == null
                ? "no answer"
                : cause instanceof java.net.ConnectException ? "no connection" : String.valueOf(cause.getMessage());
        return new UnreachableException(
                uri.getHost() + " cannot be reached (" + reason + ")", cause == null ? new IOException(reason) : cause);
    }

    private Answer follow(URI start, Map<String, String> headers) throws IOException, InterruptedException {
        URI uri = start;
        for (int redirects = 0; redirects <= MAX_REDIRECTS; redirects++) {
            HttpRequest.Builder request = HttpRequest.newBuilder(uri).header("User-Agent", "nibble");
            boolean sameServer = String.valueOf(uri.getAuthority()).equals(start.getAuthority())
                    && String.valueOf(uri.getScheme()).equals(start.getScheme());
            headers.forEach((name, value) -> {
                if (sameServer || !name.equals("Authorization")) {
                    request.header(name, value);
                }
            });
            HttpResponse<InputStream> response = client.send(request.build(), BodyHandlers.ofInputStream());
            int status = response.statusCode();
            Optional<String> location = response.headers().firstValue("location");
            if (status / 100 != 3 || location.isEmpty()) {
                return new Answer(status, lowerCase(response), response.body());
            }
            response.body().close();
            URI next = uri.resolve(location.get());
            if ("https".equals(uri.getScheme()) && !"https".equals(next.getScheme())) {
                throw new UnreachableException(uri.getHost() + " redirects to the unprotected " + next);
            }
            uri = next;
        }
        throw new UnreachableException(start.getHost() + " redirects more than " + MAX_REDIRECTS + " times");
    }

    private static Map<String, String> lowerCase(HttpResponse<?> response) {
        Map<String, String> headers = new HashMap<>();
        response.headers().map().forEach((name, values) -> headers.put(name.toLowerCase(Locale.ROOT), values.get(0)));
        return headers;
    }

    @Override
    public void close() {
        // close() would wait for requests that were given up.
        client.shutdownNow();
    }
}
