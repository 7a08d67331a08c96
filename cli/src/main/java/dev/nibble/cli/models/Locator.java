package dev.nibble.cli.models;

import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a user writes to name a model. */
public sealed interface Locator {

    /** How the forms look, for messages and help. */
    String FORMS = "a path to a .gguf file, hf:org/repo[:quant], ollama:name[:tag], or pypi:package";

    /** Where the models of Ollama are that name no host. */
    String OLLAMA_REGISTRY = "registry.ollama.ai";

    /** How the user writes it: {@link #parse} of it gives this locator again. */
    @Override
    String toString();

    /** A file. */
    record File(Path path) implements Locator {
        @Override
        public String toString() {
            String text = path.toString();
            return looksLikePath(text) ? text : "file:" + text;
        }
    }

    /**
     * A repository on Hugging Face.
     *
     * @param repository {@code org/name}
     * @param quant the quantization, as {@code Q4_K_M}, or a file name, or null for the best choice there is
     */
    record HuggingFace(String repository, @Nullable String quant) implements Locator {
        @Override
        public String toString() {
            return "hf:" + repository + (quant == null ? "" : ":" + quant);
        }
    }

    /**
     * A model of Ollama.
     *
     * @param host the registry
     * @param namespace {@code library} for the models without one
     * @param name the model
     * @param tag the variant
     */
    record Ollama(String host, String namespace, String name, String tag) implements Locator {
        @Override
        public String toString() {
            boolean usualHost = host.equals(OLLAMA_REGISTRY);
            String prefix =
                    !usualHost ? host + "/" + namespace + "/" : namespace.equals("library") ? "" : namespace + "/";
            return "ollama:" + prefix + name + ":" + tag;
        }
    }

    /**
     * A Python package whose wheel contains a model.
     *
     * @param name the package
     * @param version the exact version, or null for the newest
     */
    record Pypi(String name, @Nullable String version) implements Locator {
        @Override
        public String toString() {
            return "pypi:" + requirement();
        }

        /** As pip wants it. */
        String requirement() {
            return version == null ? name : name + "==" + version;
        }
    }

    /**
     * Reads a locator. An existing file wins over every other reading.
     *
     * @throws IllegalArgumentException if it is none, with a message that shows the forms
     */
    static Locator parse(String text) {
        if (text.isBlank()) {
            throw new IllegalArgumentException("the model locator is empty; give " + FORMS);
        }
        if (looksLikePath(text) || isFile(text)) {
            return new File(path(text));
        }
        int colon = text.indexOf(':');
        String rest = text.substring(colon + 1);
        return switch (text.substring(0, colon)) {
            case "hf", "hf.co", "huggingface" -> huggingFace(text, rest);
            case "ollama" -> ollama(text, rest);
            case "pypi" -> pypi(text, rest);
            case "file" -> new File(path(rest));
            case "http", "https" -> link(text);
            default ->
                throw new IllegalArgumentException("unknown locator '" + text + "'" + hint(text) + "; give " + FORMS);
        };
    }

    /** Whether the text is a path whatever files there are: one letter before the colon is a drive of Windows. */
    private static boolean looksLikePath(String text) {
        return !text.isBlank() && (text.indexOf(':') < 2 || text.startsWith("/") || text.startsWith("."));
    }

    /** What a name without a scheme probably means, as a part of a message; empty if nothing is known. */
    static String hint(String text) {
        if (text.toLowerCase(Locale.ROOT).endsWith(".gguf")) {
            return "";
        }
        if (text.matches("\\w[\\w.-]*/[\\w.-]+(:[\\w./ +-]+)?")) {
            return "; for the repository on Hugging Face write hf:" + text;
        }
        return text.matches("\\w[\\w.-]*(:[\\w.-]+)?") ? "; for the model of Ollama write ollama:" + text : "";
    }

    /** Whether there is a file of this name. */
    static boolean isFile(String text) {
        try {
            return Files.exists(Path.of(text));
        } catch (InvalidPathException e) {
            return false;
        }
    }

    private static Path path(String text) {
        try {
            return Path.of(text);
        } catch (InvalidPathException e) {
            throw new IllegalArgumentException("'" + text + "' cannot be the name of a file here: " + e.getReason(), e);
        }
    }

    private static Locator huggingFace(String text, String rest) {
        // After the second colon a quantization or a file of the repository, whatever its name.
        Matcher matcher = match("([\\w.-]+/[\\w.-]+)(?::([^:\\\\\\x00-\\x1f]+))?", rest, text, "hf:org/repo[:quant]");
        return new HuggingFace(matcher.group(1), matcher.group(2));
    }

    /** A link to a file on Hugging Face, as its pages show it, is the file of the repository. */
    private static Locator link(String text) {
        Matcher matcher = Pattern.compile(
                        "https://(?:huggingface\\.co|hf\\.co)/([^/?#]+/[^/?#]+)/(?:resolve|blob)/main/([^?#%]+\\.gguf)(?:[?#].*)?")
                .matcher(text);
        if (matcher.matches()) {
            return huggingFace(text, matcher.group(1) + ":" + matcher.group(2));
        }
        throw new IllegalArgumentException("unknown locator '" + text + "': of links only those to a .gguf file in the"
                + " main branch on huggingface.co are taken; download the file and give its path, or give " + FORMS);
    }

    private static Locator ollama(String text, String rest) {
        Matcher matcher = match(
                "(?:(?:(\\w[\\w.-]*(?::\\d+)?)/)?(\\w[\\w.-]*)/)?(\\w[\\w.-]*)(?::(\\w[\\w.-]*))?",
                rest,
                text,
                "ollama:[[host/]namespace/]name[:tag]");
        String host = matcher.group(1);
        String namespace = matcher.group(2);
        String tag = matcher.group(4);
        return new Ollama(
                host == null ? OLLAMA_REGISTRY : host,
                namespace == null ? "library" : namespace,
                matcher.group(3),
                tag == null ? "latest" : tag);
    }

    private static Locator pypi(String text, String rest) {
        // Nothing that pip could take for an option or a URL.
        Matcher matcher = match("([A-Za-z0-9][\\w.-]*)(?:==([\\w.!+-]+))?", rest, text, "pypi:package[==version]");
        return new Pypi(matcher.group(1), matcher.group(2));
    }

    private static Matcher match(String regex, String rest, String text, String form) {
        Matcher matcher = Pattern.compile(regex).matcher(rest);
        // The names become folders of a cache: none may lead out of it.
        if (!matcher.matches() || rest.matches("(?:.*[/:])?\\.\\.?(?:[/:].*)?")) {
            throw new IllegalArgumentException("'" + text + "' is not of the form " + form);
        }
        return matcher;
    }
}
