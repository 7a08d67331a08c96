package dev.nibble.server.http;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A request that is answered with an error; each dialect says it in its own form. */
public final class RequestException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    /** What kind of error it is, with the HTTP status. */
    public enum Kind {
        /** The request is wrong. */
        INVALID(400),
        /** The prompt is longer than the context. */
        TOO_LONG_FOR_CONTEXT(400),
        /** The key is missing or wrong. */
        UNAUTHORIZED(401),
        /** Who asks from there may not. */
        FORBIDDEN(403),
        /** There is no such path. */
        UNKNOWN_PATH(404),
        /** There is no such model. */
        UNKNOWN_MODEL(404),
        /** The path knows other methods. */
        WRONG_METHOD(405),
        /** The body is larger than it may be. */
        TOO_LARGE(413),
        /** The body or what was sent before did not come in time. */
        TIMEOUT(408),
        /** This server does not do that. */
        NOT_SUPPORTED(501),
        /** Too much is asked for now. */
        BUSY(503),
        /** It went wrong here. */
        INTERNAL(500);

        private final int status;

        Kind(int status) {
            this.status = status;
        }

        /** The HTTP status. */
        public int status() {
            return status;
        }
    }

    private final Kind kind;
    private final @Nullable String field;
    private final transient Map<String, Object> facts;

    private RequestException(Kind kind, String message, @Nullable String field, Map<String, Object> facts) {
        super(message);
        this.kind = kind;
        this.field = field;
        this.facts = facts;
    }

    /** An error of a kind. */
    public static RequestException of(Kind kind, String message) {
        return new RequestException(kind, message, null, Map.of());
    }

    /** A request that is wrong. */
    public static RequestException invalid(String message) {
        return of(Kind.INVALID, message);
    }

    /** A request that is wrong in a field. */
    public static RequestException invalid(String field, String message) {
        return new RequestException(Kind.INVALID, message, field, Map.of());
    }

    /** A field that asks for something that is not done here. */
    public static RequestException unsupported(String field, String what) {
        return invalid(field, "'" + field + "' is not supported: " + what);
    }

    /** The same with numbers for programs to read. */
    public RequestException withFacts(Map<String, Object> values) {
        return new RequestException(kind, message(), field, Map.copyOf(values));
    }

    /** What kind it is. */
    public Kind kind() {
        return kind;
    }

    /** The HTTP status. */
    public int status() {
        return kind.status();
    }

    /** What is wrong, for people. */
    public String message() {
        return String.valueOf(getMessage());
    }

    /** The field of the request that is wrong, null if it is none. */
    public @Nullable String field() {
        return field;
    }

    /** Numbers for programs, by name. */
    public Map<String, Object> facts() {
        return facts;
    }
}
