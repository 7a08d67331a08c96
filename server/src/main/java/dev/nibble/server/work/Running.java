package dev.nibble.server.work;

import dev.nibble.AnswerStream;
import dev.nibble.FinishReason;
import dev.nibble.GeneratedToken;
import dev.nibble.Generation;
import dev.nibble.GenerationOptions;
import dev.nibble.PromptProgress;
import dev.nibble.Session;
import dev.nibble.TokenStream;
import dev.nibble.chat.AnswerDelta;
import dev.nibble.server.http.Call;
import dev.nibble.server.http.RequestException;
import dev.nibble.tokenizer.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalLong;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * An answer that has begun: the request is good and fits, and nothing is evaluated yet. It is read in the thread of the request;
 * a client that leaves ends it within a token.
 */
public final class Running implements AutoCloseable {
    private final Lease lease;
    private final Session session;
    private final GenerationOptions options;
    private final @Nullable AnswerStream answer;
    private final @Nullable TokenStream text;
    private final @Nullable Duration mostTime;
    private @Nullable AnswerSink sink; // hears of progress

    private Running(Lease lease, Task task, int number) {
        this.lease = lease;
        this.mostTime = task.mostTime();
        session = lease.newSession(task.context(), task.priority());
        try {
            GenerationOptions asked = task.generation().orElse(lease.entry().generation());
            OptionalLong seed = asked.seed();
            options = (seed.isPresent() ? asked.withSeed(seed.getAsLong() + number) : asked)
                    .withPromptProgress(new Progress());
            switch (task.prompt()) {
                case Prompt.Chat chat -> {
                    answer = session.answer(
                                    lease.withSystem(chat.messages()),
                                    lease.chatOptions(chat).withGeneration(options))
                            .withTokens(this::token);
                    text = null;
                }
                case Prompt.Text prompt -> {
                    answer = null;
                    text = session.stream(prompt.text(), options);
                }
                case Prompt.Infill prompt -> {
                    answer = null;
                    text = session.infill(prompt.prefix(), prompt.suffix(), prompt.files(), options);
                }
                case Prompt.Tokens prompt -> {
                    answer = null;
                    text = session.stream(prompt.array(), options);
                }
                case Prompt.Mixed prompt -> {
                    answer = null;
                    text = session.stream(Prompt.encode(prompt, tokenizer()), options);
                }
            }
        } catch (IllegalArgumentException e) {
            session.close();
            throw RequestException.invalid(String.valueOf(e.getMessage()));
        } catch (RuntimeException e) {
            session.close();
            throw e;
        }
    }

    /**
     * Begins an answer.
     *
     * @param number of the answer among those to the same prompt, from 0: each has a seed of its own
     * @throws RequestException if the request does not suit the model; other exceptions as {@link Session#answer} throws them
     */
    public static Running begin(Lease lease, Task task, int number) {
        return new Running(lease, task, number);
    }

    /** The context it runs in. */
    public int contextLength() {
        return session.contextLength();
    }

    /** The tokens of the prompt and of the answer so far. */
    public int[] tokens() {
        return session.tokens();
    }

    /** Text to tokens and back. */
    public Tokenizer tokenizer() {
        return lease.model().tokenizer();
    }

    /** Reads the answer to its end. */
    public Outcome read(Call call, AnswerSink to) {
        sink = to;
        call.whenGone(session::cancel);
        long start = System.nanoTime();
        end = mostTime == null ? Long.MAX_VALUE : start + mostTime.toNanos();
        int calls = 0;
        if (answer != null) {
            calls = readAnswer(answer, to);
        } else if (text != null) {
            readText(text, to);
        }
        Generation generation = answer != null ? answer.generation() : text().result();
        if (call.isGone()) {
            throw call.gone();
        }
        if (generation.finishReason() == FinishReason.CANCELLED && !overdue) {
            throw RequestException.of(RequestException.Kind.BUSY, "the answer was cut, as the model is being unloaded");
        }
        return new Outcome(generation, reasoningTokens, calls, stop(generation), System.nanoTime() - start);
    }

    private TokenStream text() {
        return java.util.Objects.requireNonNull(text);
    }

    private final List<GeneratedToken> pending = new ArrayList<>();
    private int reasoningTokens;
    private long end;
    private boolean overdue;

    private int readAnswer(AnswerStream from, AnswerSink to) {
        int calls = 0;
        boolean calling = false;
        for (AnswerDelta delta : from) {
            String added = delta.text();
            switch (delta.kind()) {
                case CONTENT -> {
                    if (!added.isEmpty()) {
                        to.content(added, take());
                    }
                }
                case REASONING -> {
                    reasoningTokens += take().size();
                    if (!added.isEmpty()) {
                        to.reasoning(added);
                    }
                }
                case CALL -> {
                    pending.clear();
                    calling = true;
                    to.call(calls, newId("call_"), added);
                }
                case ARGUMENTS -> {
                    pending.clear();
                    if (!added.isEmpty()) {
                        to.arguments(calls, added);
                    }
                }
                case CALL_END -> {
                    to.callEnd(calls++);
                    calling = false;
                }
                case CALL_REFUSED -> {
                    if (calling) {
                        throw RequestException.of(
                                RequestException.Kind.INTERNAL, "the model called a tool wrongly: " + added);
                    }
                }
            }
        }
        return calls;
    }

    private void readText(TokenStream from, AnswerSink to) {
        for (GeneratedToken token : from) {
            token(token);
            if (!token.text().isEmpty()) {
                to.content(token.text(), take());
            }
        }
    }

    private void token(GeneratedToken token) {
        if (tokenizer().bytes(token.id()).length > 0) {
            pending.add(token);
        }
        if (sink != null) {
            sink.token(token);
        }
        if (System.nanoTime() > end) {
            overdue = true;
            session.cancel();
        }
    }

    private List<GeneratedToken> take() {
        List<GeneratedToken> taken = List.copyOf(pending);
        pending.clear();
        return taken;
    }

    private final class Progress implements PromptProgress {
        private int held;
        private long begun;

        @Override
        public void begins(int tokens, int total) {
            held = tokens;
            begun = System.nanoTime();
            tell(tokens, total, 0);
        }

        @Override
        public void evaluated(int evaluated, int total) {
            tell(evaluated, total, System.nanoTime() - begun);
        }

        private void tell(int evaluated, int total, long nanos) {
            if (sink != null) {
                sink.progress(new AnswerSink.Progress(held, evaluated, total, nanos));
            }
        }
    }

    /** The prompt as its tokens spell it, when the answer has ended. */
    public String prompt(Outcome outcome) {
        int[] all = session.tokens();
        return spelt(Arrays.copyOf(all, Math.min(all.length, outcome.stats().promptTokens())));
    }

    private String spelt(int[] tokens) {
        ByteArrayOutputStream spelt = new ByteArrayOutputStream();
        for (int id : tokens) {
            byte[] bytes = tokenizer().bytes(id); // none for control tokens, which count as their text in answers
            spelt.writeBytes(
                    bytes.length > 0 ? bytes : tokenizer().vocabulary().text(id).getBytes(StandardCharsets.UTF_8));
        }
        return spelt.toString(StandardCharsets.UTF_8);
    }

    /** The stop string that ended a generation: it is in what the tokens spell and not in the text. */
    private @Nullable String stop(Generation generation) {
        if (generation.finishReason() != FinishReason.STOP_STRING) {
            return null;
        }
        String all = spelt(generation.tokens());
        return options.stop().stream()
                .filter(all::contains)
                .min(java.util.Comparator.comparingInt(all::indexOf))
                .orElse(null);
    }

    /** A name that no other answer has. */
    public static String newId(String prefix) {
        return prefix + UUID.randomUUID().toString().replace("-", "").substring(0, 24);
    }

    /** Ends it within a token; from any thread. */
    void cancel() {
        session.cancel();
    }

    @Override
    public void close() {
        session.close();
    }
}
