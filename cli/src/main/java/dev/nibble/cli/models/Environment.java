package dev.nibble.cli.models;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What the process was started with, as far as it decides where models are.
 *
 * @param variables environment variables
 * @param home the user's home folder, or null where the system knows none, as for some services and containers
 * @param osName as the system property {@code os.name}
 */
public record Environment(
        Map<String, String> variables, @Nullable Path home, String osName) {

    public Environment {
        variables = Map.copyOf(variables);
    }

    /** That of this process. */
    public static Environment system() {
        return of(System.getenv(), System.getProperty("user.home"), System.getProperty("os.name"));
    }

    /** With the home folder that {@code HOME} names, as the tools go by whose models are shared, but on Windows. */
    static Environment of(Map<String, String> variables, String userHome, String osName) {
        String home = osName.startsWith("Windows") ? "" : variables.getOrDefault("HOME", "");
        return new Environment(variables, absolute(home.isBlank() ? userHome : home), osName);
    }

    /** The folder, or null where it is none: Java says "?" where the user has none. */
    private static @Nullable Path absolute(String folder) {
        try {
            Path path = Path.of(folder);
            return path.isAbsolute() ? path : null;
        } catch (InvalidPathException e) {
            return null;
        }
    }

    /** The value of a variable that is set and not blank. */
    public Optional<String> get(String variable) {
        return Optional.ofNullable(variables.get(variable)).filter(value -> !value.isBlank());
    }

    /** Whether a variable says yes: 1, true, yes or on. */
    public boolean isOn(String variable) {
        return get(variable)
                .map(value -> value.toLowerCase(Locale.ROOT))
                .filter(value -> value.equals("1") || value.equals("true") || value.equals("yes") || value.equals("on"))
                .isPresent();
    }

    /** Whether the user forbade network access, to this program or to the tools it shares caches with. */
    public boolean offline() {
        return isOn("NIBBLE_OFFLINE") || isOn("HF_HUB_OFFLINE");
    }

    /** Whether this is a Windows. */
    public boolean isWindows() {
        return osName.startsWith("Windows");
    }

    /**
     * Where this program keeps models that have no better place.
     *
     * @throws IllegalStateException if no variable names it and there is no home folder
     */
    public Path cache() {
        return findCache().orElseThrow(() -> homeless("NIBBLE_CACHE"));
    }

    /** As {@link #cache}, empty where it is not known. */
    public Optional<Path> findCache() {
        Optional<Path> own = folder("NIBBLE_CACHE");
        if (own.isPresent()) {
            return own;
        }
        if (isWindows()) {
            return folder("LOCALAPPDATA").or(() -> inHome("AppData/Local")).map(local -> local.resolve("nibble"));
        }
        if (osName.startsWith("Mac") && get("XDG_CACHE_HOME").isEmpty()) {
            return inHome("Library/Caches/nibble");
        }
        return userCache().map(caches -> caches.resolve("nibble"));
    }

    /**
     * The cache of the Hugging Face tools, by their rules.
     *
     * @throws IllegalStateException if no variable names it and there is no home folder
     */
    public Path huggingFaceCache() {
        return findHuggingFaceCache().orElseThrow(() -> homeless("HF_HUB_CACHE"));
    }

    /** As {@link #huggingFaceCache}, empty where it is not known. */
    public Optional<Path> findHuggingFaceCache() {
        return folder("HF_HUB_CACHE")
                .or(() -> folder("HUGGINGFACE_HUB_CACHE"))
                .or(() -> folder("HF_HOME")
                        .or(() -> userCache().map(caches -> caches.resolve("huggingface")))
                        .map(home -> home.resolve("hub")));
    }

    /** A folder by its path from the home folder, if there is one. */
    Optional<Path> inHome(String path) {
        return Optional.ofNullable(home).map(folder -> folder.resolve(path));
    }

    /** The folder that a variable names, if it is set; {@code ~} stands for the home folder. */
    Optional<Path> folder(String variable) {
        Optional<String> value = get(variable);
        if (value.isEmpty()) {
            return Optional.empty();
        }
        String path = value.get();
        if (path.equals("~") || path.startsWith("~/")) {
            return Optional.of(inHome(path.equals("~") ? "" : path.substring(2)).orElseThrow(() -> homeless(variable)));
        }
        return Optional.of(Path.of(path));
    }

    private Optional<Path> userCache() {
        return folder("XDG_CACHE_HOME").or(() -> inHome(".cache"));
    }

    private static IllegalStateException homeless(String variable) {
        return new IllegalStateException("this user has no home folder, so there is no place for models; set HOME, or "
                + variable + " to the path of a folder");
    }
}
