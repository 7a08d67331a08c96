package dev.nibble.server.work;

import dev.nibble.ContextOverflowException;
import dev.nibble.EmbeddingModel;
import dev.nibble.RerankModel;
import dev.nibble.model.Model.Pooling;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.RequestException;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** Does what requests of all dialects come to: finds the model, begins, waits for a turn, reads. */
public final class Work {
    private final Models models;
    private final Slots slots;
    private final Counters counters;

    /** Of these models, in these slots. */
    public Work(Models models, Slots slots, Counters counters) {
        this.models = models;
        this.slots = slots;
        this.counters = counters;
    }

    /** The models. */
    public Models models() {
        return models;
    }

    /** The turns. */
    public Slots slots() {
        return slots;
    }

    /** What has been done. */
    public Counters counters() {
        return counters;
    }

    /** Writes the answers of a request. */
    public interface Writer {
        /** Whether the answer is written as it comes; from then on only {@link Call#stream} writes. */
        void begin();

        /** Takes answer {@code index}. Those to one prompt are taken at the same time, by several threads. */
        AnswerSink sink(int index, Running running);

        /** Answer {@code index} has ended. */
        void ended(int index, Running running, Outcome outcome);
    }

    /**
     * Makes the answers of tasks in one turn: tasks one after the other, the answers to one of them together, so that the prompt is
     * evaluated once. What is wrong with any is found before anything is waited for.
     */
    public void answer(Call call, Lease lease, List<Task> tasks, Writer writer) {
        List<Running> running = new ArrayList<>();
        try {
            for (Task task : tasks) {
                for (int i = 0; i < task.count(); i++) {
                    running.add(Running.begin(lease, task, i));
                }
            }
            long queued = System.nanoTime();
            writer.begin();
            try (Slots.Slot slot = slots.enter(call, tasks.getFirst().priority())) {
                counters.waited(System.nanoTime() - queued);
                int first = 0;
                for (Task task : tasks) {
                    counters.begin(slot.index());
                    read(call, running.subList(first, first + task.count()), first, writer);
                    first += task.count();
                }
            }
        } finally {
            running.forEach(Running::close);
        }
    }

    /** Reads answers at the same time, each in a thread of its own but for the first, and tells the writer of their ends in turn. */
    private void read(Call call, List<Running> together, int first, Writer writer) {
        AtomicReference<@Nullable Throwable> failure = new AtomicReference<>();
        List<FutureTask<@Nullable Outcome>> readings = new ArrayList<>();
        for (int i = 0; i < together.size(); i++) {
            Running one = together.get(i);
            AnswerSink sink = writer.sink(first + i, one);
            readings.add(new FutureTask<>(() -> {
                try {
                    return one.read(call, sink);
                } catch (RuntimeException | Error e) {
                    if (failure.compareAndSet(null, e)) {
                        together.forEach(Running::cancel); // one that fails ends the others
                    }
                    return null;
                }
            }));
        }
        readings.stream()
                .skip(1)
                .forEach(reading ->
                        Thread.ofPlatform().daemon().name("nibble-" + call.id()).start(reading));
        readings.getFirst().run();
        List<Outcome> outcomes = new ArrayList<>(); // all of them, unless one failed
        for (FutureTask<@Nullable Outcome> reading : readings) {
            Outcome outcome = result(reading);
            if (outcome != null) {
                outcomes.add(outcome);
            }
        }
        Throwable failed = failure.get();
        if (failed != null) {
            counters.failed(call.isGone());
            if (failed instanceof Error error) {
                throw error;
            }
            throw (RuntimeException) failed;
        }
        for (int i = 0; i < together.size(); i++) {
            Outcome outcome = outcomes.get(i);
            counters.ended(outcome);
            writer.ended(first + i, together.get(i), outcome);
            together.get(i).close();
        }
    }

    /** Waits for it whatever happens: a session must not be closed while it is read. */
    private static @Nullable Outcome result(FutureTask<@Nullable Outcome> reading) {
        boolean interrupted = false;
        try {
            while (true) {
                try {
                    return reading.get();
                } catch (InterruptedException e) {
                    interrupted = true;
                } catch (ExecutionException e) {
                    throw new AssertionError(e); // what is thrown is caught and kept
                }
            }
        } finally {
            if (interrupted) {
                Thread.currentThread().interrupt();
            }
        }
    }

    /**
     * Embeddings, and how many tokens were read.
     *
     * @param vectors [texts][dimensions]
     */
    public record Embedded(List<float[]> vectors, int tokens) {}

    /**
     * Embeddings of texts.
     *
     * @throws RequestException if the model makes one of each token instead
     */
    public Embedded embed(Call call, Lease lease, List<String> texts) {
        return embedAll(call, lease, texts.stream().map(Prompt.Text::new).toList());
    }

    /**
     * Embeddings of texts or tokens.
     *
     * @throws RequestException if the model makes one of each token instead
     */
    public Embedded embedAll(Call call, Lease lease, List<? extends Prompt> prompts) {
        EmbeddingModel model = lease.embedding();
        if (model.pooling() == Pooling.NONE) {
            throw RequestException.invalid("the pooling of " + lease.entry().name()
                    + " is NONE, which makes an embedding of each token and none of a"
                    + " text; /embedding gives those");
        }
        List<int[]> texts = prompts.stream()
                .map(prompt -> Prompt.encode(prompt, model.tokenizer()))
                .toList();
        return embed(call, model, texts, () -> model.embedIds(texts));
    }

    /** Embeddings of the tokens of a text: [tokens][dimensions]. */
    public List<float[]> embedTokens(Call call, Lease lease, String text) {
        EmbeddingModel model = lease.embedding();
        int[] tokens = model.tokenizer().encode(text, Tokenizer.Options.PROMPT);
        return embed(call, model, List.of(tokens), () -> List.of(model.embedTokens(text)))
                .vectors();
    }

    private Embedded embed(Call call, EmbeddingModel model, List<int[]> texts, Supplier<List<float[]>> evaluation) {
        int tokens = 0;
        for (int i = 0; i < texts.size(); i++) {
            int count = texts.get(i).length;
            if (count > model.contextLength()) {
                throw new ContextOverflowException(
                        "the input is too large to process: text " + (i + 1) + " of " + texts.size(),
                        count,
                        model.contextLength());
            }
            tokens += count;
        }
        Thread thread = Thread.currentThread();
        try (Slots.Slot slot = slots.enter(call)) {
            counters.begin(slot.index());
            call.whenGone(thread::interrupt);
            List<float[]> vectors = evaluation.get();
            counters.embedded(tokens);
            return new Embedded(vectors, tokens);
        } catch (CancellationException e) {
            throw call.gone();
        } catch (IllegalArgumentException e) {
            throw RequestException.invalid(String.valueOf(e.getMessage()));
        }
    }

    /**
     * Scores of documents.
     *
     * @param tokens of all texts, each counted as if it stood alone
     */
    public record Ranked(float[] scores, int tokens) {}

    /** How well documents answer a query. */
    public Ranked rank(Call call, Lease lease, String query, List<String> documents) {
        RerankModel model = lease.reranker();
        int perQuery = model.tokenizer().encode(query, Tokenizer.Options.PLAIN).length;
        int tokens = 0;
        for (String document : documents) {
            tokens += perQuery + model.tokenizer().encode(document, Tokenizer.Options.PROMPT).length;
        }
        Thread thread = Thread.currentThread();
        try (Slots.Slot slot = slots.enter(call)) {
            counters.begin(slot.index());
            call.whenGone(thread::interrupt);
            float[] scores = model.scores(query, documents);
            counters.embedded(tokens);
            return new Ranked(scores, tokens);
        } catch (CancellationException e) {
            throw call.gone();
        } catch (IllegalArgumentException e) {
            throw RequestException.invalid(String.valueOf(e.getMessage()));
        }
    }

    /** Leases a model to generate. */
    public Lease generating(ModelEntry entry) throws IOException {
        return models.lease(entry, Models.Use.GENERATION);
    }

    /** Leases a model for embeddings. */
    public Lease embedding(ModelEntry entry) throws IOException {
        return models.lease(entry, Models.Use.EMBEDDING);
    }
}
