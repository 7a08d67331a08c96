package dev.nibble.benchmarks.compare;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** The options of a comparison. */
record Arguments(
        String model,
        List<Integer> prompts,
        int generatedTokens,
        int depth,
        int threads,
        int rounds,
        Optional<String> python,
        Optional<String> llamaBench) {

    static final String USAGE = """
            usage: benchmarks/compare -m MODEL [options]
              -m MODEL           a GGUF file, or whatever nibble takes for one
              -p TOKENS          length of the prompt (256), or several lengths as 64,256,1024
              -n TOKENS          tokens generated, in a context of their own (32)
              -d TOKENS          tokens in that context before them (0)
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
            if (!option.matches("-[mpndtr]|--python|--llama-bench")) {
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
                Stream.of(options.getOrDefault("-p", "256").split(",", -1))
                        .map(text -> number("-p", text, 1))
                        .toList(),
                positive(options, "-n", 32),
                number("-d", options.getOrDefault("-d", "0"), 0),
                positive(options, "-t", Runtime.getRuntime().availableProcessors()),
                positive(options, "-r", 5),
                python.isEmpty() ? Optional.empty() : Optional.of(python),
                Optional.ofNullable(options.get("--llama-bench")));
    }

    private static int positive(Map<String, String> options, String option, int otherwise) {
        return number(option, options.getOrDefault(option, Integer.toString(otherwise)), 1);
    }

    private static int number(String option, String text, int least) {
        if (!text.matches("0|[1-9][0-9]{0,8}") || Integer.parseInt(text) < least) {
            throw new IllegalArgumentException(
                    option + " needs a whole number from " + least + " on, not '" + text + "'");
        }
        return Integer.parseInt(text);
    }
}
