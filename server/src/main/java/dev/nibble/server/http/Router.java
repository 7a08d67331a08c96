package dev.nibble.server.http;

import dev.nibble.server.http.RequestException.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Which handler a path has. */
public final class Router {
    /** Answers calls. */
    @FunctionalInterface
    public interface Handler {
        /**
         * Answers.
         *
         * @param rest of the path, where the route ends in a {@code *}; else empty
         * @throws Exception what goes wrong, which the client is told in the form of the route
         */
        void handle(Call call, String rest) throws Exception;
    }

    /** A handler that says that something is not done here, and why. */
    public static Handler refusing(String why) {
        return (call, rest) -> {
            throw RequestException.of(Kind.NOT_SUPPORTED, call.path() + " is not supported: " + why);
        };
    }

    /** What a route wants. */
    public enum Needs {
        /** No key, no model. */
        NOTHING,
        /** A key where there are some; it is answered at once. */
        KEY,
        /** As {@link #KEY}, and it takes long. */
        WORK
    }

    /** A path with its handlers. */
    record Route(ErrorForm errors, Map<String, Target> methods) {}

    /** What is called. */
    record Target(Needs needs, Handler handler) {}

    /** What a call was found to go to. */
    record Match(Route route, Target target, String rest) {}

    private final Map<String, Route> exact = new LinkedHashMap<>();
    private final Map<String, Route> prefixes = new LinkedHashMap<>();
    private final Map<String, ErrorForm> forms = new LinkedHashMap<>();
    private final ErrorForm usual;

    /**
     * @param usual says errors where no route does
     */
    public Router(ErrorForm usual) {
        this.usual = usual;
    }

    /** Says errors of all paths below {@code prefix} that have no route. */
    public Router errors(String prefix, ErrorForm form) {
        forms.put(prefix, form);
        return this;
    }

    /**
     * Adds a route.
     *
     * @param method HEAD goes where GET does
     * @param path ends in {@code *} where any rest fits
     */
    public Router add(String method, String path, Needs needs, ErrorForm errors, Handler handler) {
        boolean prefix = path.endsWith("*");
        Map<String, Route> routes = prefix ? prefixes : exact;
        routes.computeIfAbsent(
                        prefix ? path.substring(0, path.length() - 1) : path,
                        key -> new Route(errors, new LinkedHashMap<>()))
                .methods()
                .put(method, new Target(needs, handler));
        return this;
    }

    /** All routes, each as a method and a path with a space between. */
    public List<String> routes() {
        List<String> routes = new ArrayList<>();
        exact.forEach((path, route) -> route.methods().keySet().forEach(method -> routes.add(method + " " + path)));
        prefixes.forEach(
                (path, route) -> route.methods().keySet().forEach(method -> routes.add(method + " " + path + "*")));
        return routes;
    }

    /** The form of errors of a path. */
    ErrorForm form(String path) {
        Route route = route(path);
        if (route != null) {
            return route.errors();
        }
        return forms.entrySet().stream()
                .filter(form -> path.startsWith(form.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse(usual);
    }

    /** Whether a call needs no key. */
    boolean isOpen(String method, String path) {
        Route route = route(path);
        Target target = route == null ? null : route.methods().get(method);
        return target != null && target.needs() == Needs.NOTHING;
    }

    /** Finds what answers, or fails. */
    Match match(Call call) {
        String path = call.path();
        Route route = route(path);
        if (route == null) {
            throw RequestException.of(
                    Kind.UNKNOWN_PATH,
                    "there is no " + path + " here; OpenAI's endpoints are below /v1, Ollama's below /api");
        }
        Target target = route.methods().get(call.method());
        if (target == null) {
            String allowed = methods(route);
            call.answerHeader("Allow", allowed);
            throw RequestException.of(Kind.WRONG_METHOD, path + " takes " + allowed + ", not " + call.method());
        }
        String rest = exact.containsKey(path) ? "" : path.substring(prefix(path).length());
        return new Match(route, target, rest);
    }

    /** The methods that a path takes, null if there is no such path. */
    @Nullable String methods(String path) {
        Route route = route(path);
        return route == null ? null : methods(route) + ", OPTIONS";
    }

    private static String methods(Route route) {
        return String.join(", ", new TreeSet<>(route.methods().keySet()));
    }

    private @Nullable Route route(String path) {
        Route route = exact.get(path);
        if (route != null) {
            return route;
        }
        String prefix = prefix(path);
        return prefix.isEmpty() ? null : Objects.requireNonNull(prefixes.get(prefix));
    }

    private String prefix(String path) {
        return prefixes.keySet().stream().filter(path::startsWith).findFirst().orElse("");
    }
}
