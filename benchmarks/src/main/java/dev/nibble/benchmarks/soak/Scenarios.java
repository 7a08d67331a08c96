package dev.nibble.benchmarks.soak;

import dev.nibble.EmbeddingModel;
import dev.nibble.FinishReason;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.ModelFormatException;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

/** What one worker does with the models. What is not as documented is a failure, thrown or in the tally. */
final class Scenarios {
    static final String GENERATIONS = "generations, text compared";
    static final String LOADS = "models loaded";

    private static final int PAGE = 4096;

    /** Tokens that may come after an interrupt: one that was being made. */
    private static final int TOKENS_AFTER_INTERRUPT = 1;

    /** Kinds of use, with how often each is chosen. */
    enum Kind {
        GENERATE(6, "generate"),
        CONVERSE(2, "hold a conversation"),
        EMBED(1, "load for embeddings"),
        CANCEL(3, "cancel a generation"),
        INTERRUPT(3, "interrupt a generation"),
        ABANDON(2, "abandon a stream"),
        CLOSE_SESSION(2, "close a session that generates"),
        COLLIDE(1, "use a session in two threads"),
        RELOAD(2, "load, generate, close"),
        CLOSE_MODEL(2, "close a model whose sessions generate"),
        CLOSE_FROM_CALLBACK(1, "close a model from its callback"),
        CUT(2, "cut a file short in use"),
        CUT_WHILE_LOADING(1, "cut a file short while it is loaded"),
        REPLACE(1, "replace a file in use"),
        REFUSE(1, "load what is refused late"),
        DAMAGED(1, "load what was cut short");

        private final int weight;
        private final String text;

        Kind(int weight, String text) {
            this.weight = weight;
            this.text = text;
        }

        String text() {
            return text;
        }
    }

    private final Workplace place;
    private final Tally tally;
    private final SplittableRandom random;
    private final int patience;

    Scenarios(Workplace place, Tally tally, SplittableRandom random, int patience) {
        this.place = place;
        this.tally = tally;
        this.random = random;
        this.patience = patience;
    }

    Kind pick() {
        int at = random.nextInt(
                Arrays.stream(Kind.values()).mapToInt(kind -> kind.weight).sum());
        for (Kind kind : Kind.values()) {
            at -= kind.weight;
            if (at < 0) {
                return kind;
            }
        }
        throw new AssertionError();
    }

    void run(Kind kind) throws Exception {
        int index = place.pick(random);
        Subject subject = place.subject(index);
        LanguageModel shared = place.shared(index);
        switch (kind) {
            case GENERATE -> generate(subject, shared);
            case CONVERSE -> converse(subject, shared);
            case EMBED -> embed(subject);
            case CANCEL -> cancel(subject, shared);
            case INTERRUPT -> interrupt(subject, shared);
            case ABANDON -> abandon(subject, shared);
            case CLOSE_SESSION -> closeSession(subject, shared);
            case COLLIDE -> collide(subject, shared);
            case RELOAD -> reload(subject);
            case CLOSE_MODEL -> closeModel(subject);
            case CLOSE_FROM_CALLBACK -> closeFromCallback(subject);
            case CUT -> cut(subject);
            case CUT_WHILE_LOADING -> cutWhileLoading(subject);
            case REPLACE -> replace(subject);
            case REFUSE -> refuse(subject);
            case DAMAGED -> damaged(subject);
        }
    }

    private LanguageModel load(Path file, LoadOptions options) throws IOException {
        LanguageModel model = LanguageModel.load(file, options);
        tally.done(LOADS);
        return model;
    }

    private int prompt() {
        return random.nextInt(Subject.PROMPTS.size());
    }

    private void compare(Subject subject, int prompt, Generation actual) {
        tally.done(GENERATIONS);
        try {
            subject.wrong(prompt, actual).ifPresent(wrong -> tally.failed("wrong text", wrong));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void generate(Subject subject, LanguageModel model) {
        try (Session session = model.newSession()) {
            generate(subject, session, prompt());
        }
    }

    private void generate(Subject subject, Session session, int prompt) {
        compare(subject, prompt, session.generate(Subject.PROMPTS.get(prompt), subject.greedy()));
    }

    private void converse(Subject subject, LanguageModel model) {
        if (!subject.conversation().isEmpty()) {
            List<String> answers = Subject.converse(model, subject.tokens());
            // the second answer depends on the first: only its number is told where roundings may decide
            if (subject.isInvariant()
                    ? !answers.equals(subject.conversation())
                    : answers.size() != subject.conversation().size() || answers.contains("")) {
                tally.failed("wrong answer in a conversation", subject.name() + ": " + answers);
            }
        }
    }

    private void embed(Subject subject) throws IOException {
        try (EmbeddingModel model = EmbeddingModel.load(subject.file(), subject.options(), Subject.POOLED)) {
            if (!Arrays.equals(model.embed(Subject.PROMPTS.getFirst()), subject.embedding())) {
                tally.failed("wrong embedding", subject.name());
            }
        }
    }

    /** A thread of either kind. */
    private ExecutorService thread() {
        return random.nextBoolean()
                ? Executors.newVirtualThreadPerTaskExecutor()
                : Executors.newSingleThreadExecutor(Thread.ofPlatform().factory());
    }

    private void sleep(int mostMicroseconds) throws InterruptedException {
        TimeUnit.MICROSECONDS.sleep(random.nextInt(mostMicroseconds));
    }

    private void cancel(Subject subject, LanguageModel model) throws Exception {
        int prompt = prompt();
        try (Session session = model.newSession();
                ExecutorService thread = thread()) {
            TokenStream stream = session.stream(Subject.PROMPTS.get(prompt), subject.greedy());
            Future<Generation> result = thread.submit(stream::result);
            sleep(20_000);
            if (random.nextBoolean()) {
                stream.cancel();
            } else {
                session.cancel();
            }
            compare(subject, prompt, result.get(patience, TimeUnit.SECONDS));
            session.reset();
            generate(subject, session, prompt);
        }
    }

    /** Interrupts while a token is made, or between two of them, where it can be told how many follow. */
    private void interrupt(Subject subject, LanguageModel model) throws Exception {
        boolean between = random.nextBoolean();
        int prompt = prompt();
        try (Session session = model.newSession()) {
            CountDownLatch reached = new CountDownLatch(1);
            CountDownLatch ended = new CountDownLatch(1);
            AtomicInteger after = new AtomicInteger();
            try (ExecutorService thread = thread()) {
                Future<?> task = thread.submit(() -> {
                    try (TokenStream stream = session.stream(Subject.PROMPTS.get(prompt), subject.greedy())) {
                        if (between && stream.hasNext()) {
                            stream.next();
                            reached.countDown();
                            awaitInterrupt();
                        }
                        reached.countDown();
                        while (stream.hasNext()) {
                            stream.next();
                            after.incrementAndGet();
                        }
                    } catch (CancellationException e) {
                        // one of the ways to say it
                    } catch (RuntimeException | Error e) {
                        tally.failed("unexpected " + e.getClass().getName() + " where a thread was interrupted", e);
                    } finally {
                        reached.countDown();
                        ended.countDown();
                    }
                });
                reached.await();
                if (!between) {
                    sleep(20_000);
                }
                task.cancel(true);
                if (!ended.await(patience, TimeUnit.SECONDS)) {
                    tally.failed("an interrupted generation does not end", subject.name());
                }
            }
            if (between && after.get() > TOKENS_AFTER_INTERRUPT) {
                tally.failed("an interrupt is ignored", subject.name() + ": " + after + " tokens after it");
            }
            session.reset();
            generate(subject, session, prompt);
        }
    }

    private static void awaitInterrupt() {
        while (!Thread.currentThread().isInterrupted()) {
            Thread.onSpinWait();
        }
    }

    private void abandon(Subject subject, LanguageModel model) {
        int prompt = prompt();
        try (Session session = model.newSession()) {
            TokenStream stream = session.stream(Subject.PROMPTS.get(prompt), subject.greedy());
            for (int i = random.nextInt(4); i > 0 && stream.hasNext(); i--) {
                stream.next();
            }
            session.reset();
            generate(subject, session, prompt);
        }
    }

    /** Runs a generation that something else ends by closing: an exception that says so, or what there is of the text. */
    private void generateUntilClosed(Subject subject, Session session, int prompt) {
        try {
            generate(subject, session, prompt);
        } catch (IllegalStateException e) {
            if (!String.valueOf(e.getMessage()).contains("closed")) {
                throw e;
            }
        }
    }

    private void closeSession(Subject subject, LanguageModel model) throws Exception {
        Session session = model.newSession();
        int prompt = prompt();
        try (ExecutorService thread = thread()) {
            Future<?> result = thread.submit(() -> generateUntilClosed(subject, session, prompt));
            sleep(20_000);
            session.close();
            result.get(patience, TimeUnit.SECONDS);
        } finally {
            session.close();
        }
    }

    private void collide(Subject subject, LanguageModel model) throws Exception {
        int prompt = prompt();
        try (Session session = model.newSession();
                ExecutorService thread = thread()) {
            Future<?> other = thread.submit(() -> useWhatMayBeInUse(session::length));
            useWhatMayBeInUse(() -> generate(subject, session, prompt));
            other.get(patience, TimeUnit.SECONDS);
        }
    }

    private static void useWhatMayBeInUse(Runnable use) {
        try {
            use.run();
        } catch (IllegalStateException e) {
            if (!String.valueOf(e.getMessage()).contains("in use")) {
                throw e;
            }
        }
    }

    private void reload(Subject subject) throws IOException {
        LoadOptions options = subject.options().withThreads(1 + random.nextInt(3));
        try (LanguageModel model = load(subject.file(), options)) {
            generate(subject, model);
        }
    }

    private void closeModel(Subject subject) throws Exception {
        LanguageModel model = load(subject.file(), subject.options());
        int prompt = prompt();
        try (ExecutorService thread = Executors.newVirtualThreadPerTaskExecutor()) {
            List<Session> sessions = List.of(model.newSession(), model.newSession(), model.newSession());
            List<? extends Future<?>> results = sessions.stream()
                    .map(session -> thread.submit(() -> generateUntilClosed(subject, session, prompt)))
                    .toList();
            sleep(30_000);
            model.close();
            for (Future<?> result : results) {
                result.get(patience, TimeUnit.SECONDS);
            }
        } finally {
            model.close();
        }
    }

    /** Closing is refused within a call of the model, or ends it; afterwards it works. */
    private void closeFromCallback(Subject subject) throws IOException {
        LanguageModel model = load(subject.file(), subject.options());
        try (Session session = model.newSession()) {
            int prompt = prompt();
            GenerationOptions options =
                    subject.greedy().withLogitsProcessors(List.of((logits, tokens, count) -> model.close()));
            Generation generation = session.generate(Subject.PROMPTS.get(prompt), options);
            if (generation.finishReason() != FinishReason.CANCELLED) {
                tally.failed("a model that was closed went on", subject.name());
            }
        } catch (IllegalStateException e) {
            // as documented
        } finally {
            model.close();
        }
    }

    /** Generates until the file's end is missed, or some times. What was read before may still be there. */
    private void generateFromWhatIsCut(Subject subject, LanguageModel model) {
        try {
            for (int i = 0; i < 3; i++) {
                generate(subject, model);
            }
        } catch (ModelFormatException e) {
            tally.done("cuts that were noticed");
        }
    }

    private void cut(Subject subject) throws Exception {
        Path copy = place.copy(subject);
        try (LanguageModel model = load(copy, subject.options());
                ExecutorService thread = thread()) {
            Future<?> result = thread.submit(() -> generateFromWhatIsCut(subject, model));
            sleep(10_000);
            shorten(copy);
            result.get(patience, TimeUnit.SECONDS);
        } finally {
            Files.delete(copy);
        }
    }

    private void cutWhileLoading(Subject subject) throws Exception {
        Path copy = place.copy(subject);
        try (ExecutorService thread = thread()) {
            Future<?> result = thread.submit(() -> {
                try (LanguageModel model = load(copy, subject.options())) {
                    generateFromWhatIsCut(subject, model);
                } catch (ModelFormatException e) {
                    tally.done("cuts that were noticed");
                }
                return null;
            });
            sleep(20_000);
            shorten(copy);
            result.get(patience, TimeUnit.SECONDS);
        } finally {
            Files.delete(copy);
        }
    }

    /** To whole pages: of a page that is cut, the system makes the rest zeros, and nobody can tell. */
    private void shorten(Path file) throws IOException {
        try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
            cut.setLength(random.nextLong(Math.max(1, cut.length() / PAGE)) * PAGE);
        }
    }

    /** What is mapped stays that of the file that was replaced. */
    private void replace(Subject subject) throws IOException {
        Path copy = place.copy(subject);
        try (LanguageModel model = load(copy, subject.options())) {
            generate(subject, model);
            Path other = place.copy(place.subject(place.pick(random)));
            Files.move(other, copy, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
            generate(subject, model);
        } finally {
            Files.delete(copy);
        }
    }

    private void refuse(Subject subject) throws IOException {
        try (LanguageModel model = load(place.refused(random), subject.options())) {
            tally.failed("a file was not refused", model.backendDescription());
        } catch (ModelFormatException e) {
            // as it should be
        }
        LoadOptions tooLong = subject.options().withContextLength(1 << 30);
        try (EmbeddingModel model = EmbeddingModel.load(subject.file(), tooLong, Subject.POOLED)) {
            tally.failed("a context was not refused", subject.name() + ", " + model.dimensions());
        } catch (IllegalArgumentException e) {
            // as it should be
        }
    }

    private void damaged(Subject subject) throws IOException {
        Path copy = place.copy(subject);
        shorten(copy);
        try (LanguageModel model = load(copy, subject.options())) {
            tally.failed("a file that was cut short was loaded", model.backendDescription());
        } catch (ModelFormatException e) {
            // as it should be
        } finally {
            Files.delete(copy);
        }
    }
}
