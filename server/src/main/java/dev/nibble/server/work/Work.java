package dev.nibble.server.work;

import dev.nibble.ContextOverflowException;
import dev.nibble.EmbeddingModel;
import dev.nibble.RerankModel;
import dev.nibble.server.ModelEntry;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.RequestException;
import dev.nibble.tokenizer.Tokenizer;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;

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

        /** Takes answer {@code index}. */
        AnswerSink sink(int index, Running running);

        /** Answer {@code index} has ended. */
        void ended(int index, Running running, Outcome outcome);
    }

    /**
     * Makes the answers of tasks, one after the other in one turn. What is wrong with any is found before anything is waited for.
     */
    public void answer(Call call, Lease lease, List<Task> tasks, Writer writer) {
        List<Running> running = new ArrayList<>();
        try {
            for (Task task : tasks) {
                for (int i = 0; i < task.count(); i++) {
                    running.add(Running.begin(lease, task));
                }
            }
            long queued = System.nanoTime();
            writer.begin();
            try (Slots.Slot slot = slots.enter(call)) {
                counters.waited(System.nanoTime() - queued);
                for (int i = 0; i < running.size(); i++) {
                    Running one = running.get(i);
                    counters.begin(slot.index());
                    try {
                        Outcome outcome = one.read(call, writer.sink(i, one));
                        counters.ended(outcome);
                        writer.ended(i, one, outcome);
                    } catch (RuntimeException e) {
                        counters.failed(call.isGone());
                        throw e;
                    } finally {
                        one.close();
                    }
                }
            }
        } finally {
            running.forEach(Running::close);
        }
    }

    /**
     * Embeddings, and how many tokens were read.
     *
     * @param vectors [texts][dimensions]
     */
    public record Embedded(List<float[]> vectors, int tokens) {}

    /** Embeddings of texts. */
    public Embedded embed(Call call, Lease lease, List<String> texts) {
        EmbeddingModel model = lease.embedding();
        int tokens = 0;
        for (int i = 0; i < texts.size(); i++) {
            int count = model.tokenizer().encode(texts.get(i), Tokenizer.Options.PROMPT).length;
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
            List<float[]> vectors = model.embed(texts);
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
