package dev.nibble.server.http;

import dev.nibble.ContextOverflowException;
import dev.nibble.NibbleException;
import dev.nibble.OutOfMemoryException;
import dev.nibble.server.http.RequestException.Kind;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.time.Duration;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * Takes calls from the transport and sees that each is answered: checks who asks, finds the handler, keeps the client informed
 * while it works, and turns failures into answers. One line of log a call, without anything of what was asked or answered.
 */
public final class Front {
    private static final Logger LOG = System.getLogger("dev.nibble.server");
    private static final Duration LEAST_BEAT = Duration.ofMillis(20);

    private final Router router;
    private final Guard guard;
    private final Limits limits;
    private final Set<Call> calls = ConcurrentHashMap.newKeySet();
    private final AtomicLong ids = new AtomicLong(System.currentTimeMillis() % 1_000_000 * 1000);
    private final Thread watch;
    private volatile boolean closing;

    /** Answers by a router. */
    public Front(Router router, Guard guard, Limits limits) {
        this.router = router;
        this.guard = guard;
        this.limits = limits;
        watch = Thread.ofPlatform().daemon().name("nibble-server-watch").unstarted(this::endBlocked);
    }

    /** Begins to watch over slow clients. */
    public void start() {
        watch.start();
    }

    /** Answers a request, in its own thread. */
    public void accept(Exchange exchange) {
        long start = System.nanoTime();
        Object event = RequestEvents.begin();
        Call call = new Call(exchange, "req_" + Long.toString(ids.incrementAndGet(), 36), limits);
        call.answerHeader("X-Request-Id", call.id());
        boolean complete = false;
        ErrorForm errors = router.form("/");
        calls.add(call);
        try {
            errors = router.form(call.path());
            if (closing) {
                throw RequestException.of(Kind.BUSY, "the server is shutting down");
            }
            String path = call.path();
            if (!guard.answers(call, router.isOpen(call.method(), path), router.methods(path))) {
                answer(call, router.match(call));
            }
            complete = true;
        } catch (ClientGoneException e) {
            LOG.log(Level.DEBUG, "{0}: the client is gone", call.id());
        } catch (Throwable e) { // whatever it is, the client is told
            complete = fail(call, errors, e);
        } finally {
            calls.remove(call);
            call.close(complete);
            RequestEvents.end(event, call, exchange.method(), exchange.rawPath());
            if (LOG.isLoggable(Level.INFO)) {
                LOG.log(
                        Level.INFO,
                        "{0} {1} {2} {3} {4} ms{5}",
                        call.id(),
                        exchange.method(),
                        exchange.rawPath(),
                        String.valueOf(call.status()),
                        String.valueOf((System.nanoTime() - start) / 1_000_000),
                        call.isGone() ? ", the client left" : "");
            }
        }
    }

    private void answer(Call call, Router.Match match) throws Exception {
        if (match.target().needs() != Router.Needs.WORK) {
            match.target().handler().handle(call, match.rest());
            return;
        }
        if (calls.size() > limits.maxCalls()) {
            throw RequestException.of(Kind.BUSY, "too many requests at a time: " + limits.maxCalls());
        }
        // Threads of the system, since what evaluates does not wait: it would keep virtual ones from running.
        FutureTask<Void> work = new FutureTask<>(() -> {
            match.target().handler().handle(call, match.rest());
            return null;
        });
        Thread thread = Thread.ofPlatform().daemon().name("nibble-" + call.id()).start(work);
        try {
            await(call, work);
        } catch (InterruptedException e) {
            call.leave();
            thread.join();
            throw new ClientGoneException();
        }
    }

    private void await(Call call, FutureTask<Void> work) throws Exception {
        long beat = Math.max(LEAST_BEAT.toMillis(), limits.beat().toMillis() / 2);
        while (true) {
            try {
                work.get(beat, TimeUnit.MILLISECONDS);
                return;
            } catch (TimeoutException e) {
                call.beat();
            } catch (ExecutionException e) {
                throw e.getCause() instanceof Exception cause ? cause : e;
            }
        }
    }

    /** Tells the client; returns whether the answer is whole. */
    private boolean fail(Call call, ErrorForm errors, Throwable e) {
        RequestException error = translate(e);
        if (error.kind() == Kind.INTERNAL) {
            LOG.log(Level.ERROR, call.id() + " failed", e);
        } else {
            LOG.log(Level.DEBUG, "{0}: {1}", call.id(), error.message());
        }
        try {
            AnswerStreamWriter begun = call.begun();
            if (begun != null) {
                errors.inStream(begun, error, call.id());
                return true;
            }
            if (error.kind() == Kind.BUSY) {
                call.answerHeader("Retry-After", "1");
            }
            if (error.kind() == Kind.TOO_LARGE || error.kind() == Kind.TIMEOUT) {
                call.answerHeader("Connection", "close");
            }
            call.json(errors.status(error), errors.body(error, call.id()));
            return true;
        } catch (ClientGoneException gone) {
            return false;
        } catch (IllegalStateException again) {
            LOG.log(Level.ERROR, call.id() + " could not be answered", again);
            return false;
        }
    }

    private static RequestException translate(Throwable e) {
        return switch (e) {
            case RequestException request -> request;
            case ContextOverflowException overflow ->
                RequestException.of( // with words that programs made for llama.cpp look for
                                Kind.TOO_LONG_FOR_CONTEXT,
                                "the request exceeds the available context size: " + message(overflow))
                        .withFacts(Map.of("n_prompt_tokens", overflow.tokens(), "n_ctx", overflow.available()));
            case OutOfMemoryException memory -> RequestException.of(Kind.BUSY, message(memory));
            case NibbleException nibble -> RequestException.invalid(message(nibble));
            case OutOfMemoryError memory ->
                RequestException.of(Kind.BUSY, "not enough memory for the Java heap (" + memory.getMessage() + ")");
            default -> RequestException.of(Kind.INTERNAL, "internal error; the log of the server says more");
        };
    }

    private static String message(Exception e) {
        @Nullable String message = e.getMessage();
        return message == null ? e.toString() : message;
    }

    /** Ends what waits for a slow client. */
    private void endBlocked() {
        try {
            while (true) {
                Thread.sleep(Math.clamp(limits.patience().toMillis() / 4, 20, 1000));
                calls.forEach(call -> call.endBlocked(limits.patience()));
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // the server ends
        }
    }

    /** Requests that are being answered. */
    public int calls() {
        return calls.size();
    }

    /**
     * Answers no more, waits for what runs, and ends what runs then.
     *
     * @param patience how long what runs may go on
     */
    public void drain(Duration patience) {
        closing = true;
        awaitCalls(patience);
        calls.forEach(Call::leave);
        awaitCalls(Duration.ofSeconds(5));
        watch.interrupt();
    }

    private void awaitCalls(Duration patience) {
        long end = System.nanoTime() + patience.toNanos();
        try {
            while (!calls.isEmpty() && System.nanoTime() < end) {
                Thread.sleep(5);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt(); // whoever closes is in a hurry
        }
    }
}
