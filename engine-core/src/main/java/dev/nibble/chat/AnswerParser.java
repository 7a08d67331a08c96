package dev.nibble.chat;

import dev.nibble.chat.AnswerDelta.Kind;
import dev.nibble.chat.dialect.AnswerReader;
import dev.nibble.chat.dialect.AnswerSink;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Takes an answer apart while it is written. Control tokens are given as their text. A piece should not end within a pair of
 * surrogates. Not thread-safe.
 */
public final class AnswerParser {
    private final Parts parts = new Parts();
    private final AnswerReader reader;
    private boolean finished;

    AnswerParser(Function<AnswerSink, AnswerReader> reader) {
        this.reader = reader.apply(parts);
    }

    /**
     * Reads on.
     *
     * @return what it adds, in order; it lags behind the text where more of it may make a difference
     * @throws IllegalStateException after {@link #finish}
     */
    public List<AnswerDelta> feed(String text) {
        if (finished) {
            throw new IllegalStateException("the answer is finished");
        }
        reader.feed(Objects.requireNonNull(text, "text"));
        return parts.takeDeltas();
    }

    /**
     * Ends the answer: what was held back is decided.
     *
     * @return what this adds
     */
    public List<AnswerDelta> finish() {
        if (!finished) {
            finished = true;
            parts.cut = reader.finish();
        }
        return parts.takeDeltas();
    }

    /** The answer as far as it is certain: what all deltas add up to. While a call is read, it is not complete. */
    public ChatAnswer answer() {
        return parts.answer(finished ? parts.cut : reader.currentCall());
    }

    private static final class Parts implements AnswerSink {
        private final StringBuilder content = new StringBuilder();
        private final StringBuilder reasoning = new StringBuilder();
        private final List<ToolCall> calls = new ArrayList<>();
        private final List<RefusedCall> refused = new ArrayList<>();
        private List<AnswerDelta> deltas = new ArrayList<>();
        private @Nullable String cut;

        ChatAnswer answer(@Nullable String cutCall) {
            return new ChatAnswer(content.toString(), reasoning.toString(), calls, refused, cutCall);
        }

        List<AnswerDelta> takeDeltas() {
            List<AnswerDelta> taken = deltas;
            deltas = new ArrayList<>();
            return taken;
        }

        private void add(Kind kind, String text) {
            deltas.add(new AnswerDelta(kind, text));
        }

        @Override
        public void content(String text) {
            content.append(text);
            add(Kind.CONTENT, text);
        }

        @Override
        public void reasoning(String text) {
            reasoning.append(text);
            add(Kind.REASONING, text);
        }

        @Override
        public void callBegins(String name) {
            add(Kind.CALL, name);
        }

        @Override
        public void arguments(String json) {
            add(Kind.ARGUMENTS, json);
        }

        @Override
        public void callEnds(String name, String arguments, @Nullable String id) {
            calls.add(ToolCall.of(name, arguments, id));
            add(Kind.CALL_END, id == null ? "" : id);
        }

        @Override
        public void callFails(String name, String arguments, String why) {
            refused.add(new RefusedCall(name, arguments, why));
            add(Kind.CALL_REFUSED, why);
        }
    }
}
