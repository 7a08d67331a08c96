package dev.nibble.server.http;

import java.nio.charset.StandardCharsets;

/** Writes an answer piece by piece, each sent at once. Its first piece sends the headers. */
public final class AnswerStreamWriter {
    /** How pieces are told apart. */
    public enum Format {
        /** Server-sent events. A beat is a comment, which has to be exactly a colon. */
        EVENTS("text/event-stream", ":\n\n"),
        /** A JSON value a line. There are no comments; a space before a value is harmless, an empty line is not. */
        LINES("application/x-ndjson", " "),
        /** One JSON value, before which there may be spaces. */
        JSON("application/json", " ");

        private final String contentType;
        private final String beat;

        Format(String contentType, String beat) {
            this.contentType = contentType;
            this.beat = beat;
        }

        String contentType() {
            return contentType;
        }

        byte[] beat() {
            return beat.getBytes(StandardCharsets.US_ASCII);
        }
    }

    private final Call call;
    private final Format format;

    AnswerStreamWriter(Call call, Format format) {
        this.call = call;
        this.format = format;
    }

    /** From now on beats may be sent, and nothing can be refused. */
    public void begin() {
        call.stream(format);
    }

    /**
     * Sends a value.
     *
     * @throws ClientGoneException if nobody reads any more
     */
    public void data(Object json) {
        call.write(framed(json), false);
    }

    /** Sends the value after which nothing follows. */
    public void last(Object json) {
        call.write(framed(json), true);
    }

    private String framed(Object json) {
        String text = Json.write(json);
        return format == Format.EVENTS ? "data: " + text + "\n\n" : text + "\n";
    }

    /** Sends a value as an event with a name. */
    public void event(String name, Object json) {
        call.write("event: " + name + "\ndata: " + Json.write(json) + "\n\n", false);
    }

    /** Sends the event that says that no other follows, as OpenAI's clients want it. */
    public void done() {
        call.write("data: [DONE]\n\n", true);
    }
}
