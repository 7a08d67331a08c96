package dev.nibble.benchmarks.compare;

/** What is compared, in the order it is printed. */
enum Metric {
    PROMPT("prompt tokens/s", "prompt_tokens_per_second"),
    ARITHMETIC("prompt GMAC/s", "gigamacs_per_second"),
    GENERATION("generation tokens/s", "generation_tokens_per_second"),
    BANDWIDTH("generation GB/s", "gigabytes_per_second"),
    READING("read GB/s", "read_gigabytes_per_second"),
    LOAD("load ms", "load_seconds"),
    FIRST_TOKEN("time to first token ms", "time_to_first_token_seconds"),
    PEAK_MEMORY("peak RSS MiB", "");

    private final String label;
    private final String key;

    Metric(String label, String key) {
        this.label = label;
        this.key = key;
    }

    String label() {
        return label;
    }

    /** The name under which a benchmark program reports it in its JSON object; empty when it is measured from outside. */
    String key() {
        return key;
    }

    /** The reported value in the unit of {@link #label()}. */
    double fromReport(double reported) {
        return switch (this) {
            case LOAD, FIRST_TOKEN -> reported * 1e3;
            default -> reported;
        };
    }
}
