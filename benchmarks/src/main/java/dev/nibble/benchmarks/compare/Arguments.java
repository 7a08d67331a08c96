package dev.nibble.benchmarks.compare;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** The options of a comparison. */
record Arguments(
        String model,
        int promptTokens,
        int generatedTokens,
        int threads,
        int rounds,
        Optional<String> python,
        Optional<String> llamaBench) {

    static final String USAGE = """
            usage: benchmarks/compare -m MODEL [options]
              -m MODEL           a GGUF file, or whatever nibble takes for one
              -p TOKENS          length of the prompt (256)
              -n TOKENS          tokens generated after it (32)
              -t THREADS         threads of both programs (the processors of this machine)
              -r ROUNDS          measurements of each program, in turn (5)
              --llama-bench FILE the llama-bench to use (the one on the PATH)
              --python FILE      a Python that has llama-cpp-python, used where there is no llama-bench
                                 (environment NIBBLE_BENCH_PYTHON, then python3 on the PATH)
            """;

    /**
     * Reads the command line.
     *
     * @throws IllegalArgumentException saying which option is wrong
     */
    static Arguments parse(String[] arguments, Map<String, String> environment) {
        Map<String, String> options = new HashMap<>();
        for (int i = 0; i < arguments.length; i += 2) {
            String option = arguments[i];
            if (!option.matches("-[mpntr]|--python|--llama-bench")) {
                throw new IllegalArgumentException("unknown option '" + option + "'");
            }
            if (i + 1 == arguments.length) {
                throw new IllegalArgumentException(option + " needs a value");
            }
            options.put(option, arguments[i + 1]);
        }
        String model = options.get("-m");
        if (model == null) {
            throw new IllegalArgumentException("-m MODEL is missing");
        }
        String python = options.getOrDefault("--python", environment.getOrDefault("NIBBLE_BENCH_PYTHON", ""));
        return new Arguments(
                model,
                positive(options, "-p", 256),
                positive(options, "-n", 32),
                positive(options, "-t", Runtime.getRuntime().availableProcessors()),
                positive(options, "-r", 5),
                python.isEmpty() ? Optional.empty() : Optional.of(python),
                Optional.ofNullable(options.get("--llama-bench")));
    }

    private static int positive(Map<String, String> options, String option, int otherwise) {
        String text = options.get(option);
        if (text == null) {
            return otherwise;
        }
        if (!text.matches("[1-9][0-9]{0,8}")) {
            throw new IllegalArgumentException(option + " needs a whole number above 0, not '" + text + "'");
        }
        return Integer.parseInt(text);
    }
}
