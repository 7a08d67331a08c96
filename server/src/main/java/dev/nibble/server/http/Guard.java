package dev.nibble.server.http;

import dev.nibble.server.http.RequestException.Kind;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Who may ask: requests to this machine by its own names, from no page of another site, with a key if there are some.
 *
 * <p>A page of any site can make a browser send requests to this machine. One that comes by a name of that site (DNS rebinding)
 * has its name in the header Host; one that does not has its origin in the header Origin.
 */
public final class Guard {
    private static final Pattern ADDRESS = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}|\\[[0-9a-fA-F:.%]+]");
    private static final Pattern LOCAL =
            Pattern.compile("https?://(localhost|127\\.0\\.0\\.1|\\[::1])(:\\d{1,5})?", Pattern.CASE_INSENSITIVE);

    private static final String METHODS = "GET, POST, DELETE, OPTIONS";

    private final boolean checksHost;
    private final List<String> hosts;
    private final List<String> origins;
    private final List<byte[]> keys;

    /**
     * @param checksHost whether only this machine's own names and {@code hosts} are taken
     * @param hosts further names by which it may be called
     * @param origins of other pages that may ask, {@code *} for any, {@code localhost} for those of this machine at any port
     * @param keys of which one has to be given; none asks for none
     */
    public Guard(boolean checksHost, List<String> hosts, List<String> origins, List<String> keys) {
        this.checksHost = checksHost;
        this.hosts = hosts.stream().map(host -> host.toLowerCase(Locale.ROOT)).toList();
        this.origins = List.copyOf(origins);
        this.keys =
                keys.stream().map(key -> key.getBytes(StandardCharsets.UTF_8)).toList();
    }

    /**
     * Lets a call through, or fails.
     *
     * @param open whether it needs no key
     * @param methods that its path takes, null if there is no such path
     * @return whether it is answered already, as the question of a browser whether it may ask
     */
    boolean answers(Call call, boolean open, @Nullable String methods) {
        checkHost(call.header("Host"));
        boolean foreign = foreign(call);
        boolean allowed = foreign && allows(String.valueOf(call.header("Origin")));
        if (allowed) {
            call.answerHeader("Access-Control-Allow-Origin", String.valueOf(call.header("Origin")));
            call.answerHeader("Vary", "Origin");
        }
        if (call.method().equals("OPTIONS")) {
            if (allowed) {
                call.answerHeader("Access-Control-Allow-Methods", METHODS);
                String asked = call.header("Access-Control-Request-Headers");
                call.answerHeader("Access-Control-Allow-Headers", asked == null ? "*" : asked);
                call.answerHeader("Access-Control-Max-Age", "600");
            }
            call.answerHeader("Allow", methods == null ? METHODS : methods);
            call.bytes(200, "text/plain", new byte[0]);
            return true;
        }
        if (foreign && !allowed && !call.method().equals("GET")) {
            throw RequestException.of(
                    Kind.FORBIDDEN,
                    "pages of " + call.header("Origin") + " may not ask here; allow it with --allow-origin");
        }
        if (!open) {
            checkKey(call);
        }
        return false;
    }

    private void checkHost(@Nullable String header) {
        String host = header == null ? "" : header.replaceFirst(":\\d*$", "").toLowerCase(Locale.ROOT);
        boolean own = host.equals("localhost")
                || host.endsWith(".localhost")
                || ADDRESS.matcher(host).matches()
                || hosts.contains(host);
        if (checksHost && !own) {
            throw RequestException.of(
                    Kind.FORBIDDEN,
                    host.isEmpty()
                            ? "the request has no Host header"
                            : "this server is not called '" + host + "'; allow the name with --allow-host");
        }
    }

    /** Whether a page of another site asks. */
    private static boolean foreign(Call call) {
        String origin = call.header("Origin");
        return origin != null && !origin.replaceFirst("^https?://", "").equalsIgnoreCase(call.header("Host"));
    }

    private boolean allows(String origin) {
        return origins.contains("*")
                || origins.contains(origin)
                || origins.contains("localhost") && LOCAL.matcher(origin).matches();
    }

    private void checkKey(Call call) {
        if (keys.isEmpty()) {
            return;
        }
        String bearer = call.header("Authorization");
        String given = bearer != null && bearer.regionMatches(true, 0, "Bearer ", 0, 7)
                ? bearer.substring(7).strip()
                : call.header("x-api-key");
        byte[] bytes = (given == null ? "" : given).getBytes(StandardCharsets.UTF_8);
        boolean known = false;
        for (byte[] key : keys) {
            known |= MessageDigest.isEqual(key, bytes); // all of them, so that the time tells nothing
        }
        if (!known) {
            throw RequestException.of(Kind.UNAUTHORIZED, given == null ? "an API key is needed" : "wrong API key");
        }
    }
}
