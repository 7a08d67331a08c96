package dev.nibble.examples.models;

import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What the process was started with, as far as it decides where models are.
 *
 * @param variables environment variables
 * @param home the user's home folder
 * @param osName as the system property {@code os.name}
 */
public record Environment(Map<String, String> variables, Path home, String osName) {

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
        return new Environment(variables, Path.of(home.isBlank() ? userHome : home), osName);
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

    /** Where this program keeps models that have no better place. */
    public Path cache() {
        Optional<String> own = get("NIBBLE_CACHE");
        if (own.isPresent()) {
            return path(own.get());
        }
        if (isWindows()) {
            return get("LOCALAPPDATA")
                    .map(this::path)
                    .orElse(home.resolve("AppData/Local"))
                    .resolve("nibble");
        }
        if (osName.startsWith("Mac") && get("XDG_CACHE_HOME").isEmpty()) {
            return home.resolve("Library/Caches/nibble");
        }
        return userCache().resolve("nibble");
    }

    /** The cache of the Hugging Face tools, by their rules. */
    public Path huggingFaceCache() {
        for (String variable : new String[] {"HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE"}) {
            Optional<String> value = get(variable);
            if (value.isPresent()) {
                return path(value.get());
            }
        }
        return get("HF_HOME")
                .map(this::path)
                .orElse(userCache().resolve("huggingface"))
                .resolve("hub");
    }

    /** A path as users write it in variables: {@code ~} stands for the home folder. */
    Path path(String value) {
        if (value.equals("~")) {
            return home;
        }
        return value.startsWith("~/") ? home.resolve(value.substring(2)) : Path.of(value);
    }

    private Path userCache() {
        return get("XDG_CACHE_HOME").map(this::path).orElse(home.resolve(".cache"));
    }
}
