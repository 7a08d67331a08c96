package dev.nibble.server.http;

/** How a dialect says that something went wrong. */
public interface ErrorForm {
    /** The status; dialects differ in few. */
    default int status(RequestException error) {
        return error.status();
    }

    /** The body, as {@link Json#write} takes it. */
    Object body(RequestException error, String requestId);

    /** Says it within an answer that has begun; nothing follows. */
    void inStream(AnswerStreamWriter stream, RequestException error, String requestId);
}
