package dev.nibble;

import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.Collectors;

/**
 * Memory that is not there: the message says what for, how much, what there is and under which limit, and what would help.
 */
public class OutOfMemoryException extends NibbleException {
    private static final long serialVersionUID = 1L;

    /** What would help. */
    public enum Remedy {
        /** {@link LoadOptions#withRepack}: no copies of the weights. */
        NO_COPIES("LoadOptions.withRepack(false) needs less"),
        /** A larger {@code -Xmx} of the JVM. */
        LARGER_HEAP("give the JVM a larger heap with -Xmx"),
        /** A larger {@code -XX:MaxDirectMemorySize} of the JVM, which limits memory outside its heap. */
        MORE_DIRECT_MEMORY(
                "memory outside the Java heap is limited by -XX:MaxDirectMemorySize, by default the size of the"
                        + " heap"),
        /** A higher limit of the container or the process, a smaller model, or fewer other processes. */
        MORE_MEMORY("raise the limit or take a smaller model"),
        /** {@link EngineOptions#withMemoryBudget}, or fewer sessions and models of the engine. */
        LARGER_BUDGET("close sessions or models, or give the engine more with EngineOptions.withMemoryBudget"),
        /** {@link LoadOptions#withKvCacheBudget}, or fewer and shorter sessions of the model. */
        LARGER_KV_BUDGET("close sessions, or give the model more with LoadOptions.withKvCacheBudget");

        private final String text;

        Remedy(String text) {
            this.text = text;
        }
    }

    private final String facts;
    private final Remedy[] remedies;
    private final int fittingContext;

    public OutOfMemoryException(String message) {
        super(message);
        facts = message;
        remedies = new Remedy[0];
        fittingContext = 0;
    }

    public OutOfMemoryException(String message, Throwable cause) {
        super(message, cause);
        facts = message;
        remedies = new Remedy[0];
        fittingContext = 0;
    }

    /**
     * With what would help, which the message says after the facts.
     *
     * @param fittingContext tokens of a context that would fit, 0 if that is not known or none would
     */
    public OutOfMemoryException(String facts, List<Remedy> remedies, int fittingContext) {
        super(message(facts, remedies));
        this.facts = facts;
        this.remedies = remedies.toArray(Remedy[]::new);
        this.fittingContext = fittingContext;
    }

    /** With what would help, which the message says after the facts. */
    public OutOfMemoryException(String facts, List<Remedy> remedies, Throwable cause) {
        super(message(facts, remedies), cause);
        this.facts = facts;
        this.remedies = remedies.toArray(Remedy[]::new);
        fittingContext = 0;
    }

    private static String message(String facts, List<Remedy> remedies) {
        return facts + remedies.stream().map(remedy -> "; " + remedy.text).collect(Collectors.joining());
    }

    /** The message without what would help. */
    public String facts() {
        return facts;
    }

    /** What would help, as far as it is known. */
    public List<Remedy> remedies() {
        return List.copyOf(Arrays.asList(remedies));
    }

    /** Tokens of a context that would fit where this one does not; empty if that is not the reason, or none would. */
    public OptionalInt fittingContext() {
        return fittingContext > 0 ? OptionalInt.of(fittingContext) : OptionalInt.empty();
    }
}
