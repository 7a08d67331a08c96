package dev.nibble.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.results.RunResult;
import org.openjdk.jmh.runner.Runner;
import org.openjdk.jmh.runner.RunnerException;
import org.openjdk.jmh.runner.options.Options;
import org.openjdk.jmh.runner.options.OptionsBuilder;
import org.openjdk.jmh.runner.options.VerboseMode;

/** Every benchmark runs: each method once, with small sizes, in this process; the time it takes is of no interest. */
class BenchmarksTest {

    @Test
    void everyBenchmarkRuns() throws RunnerException {
        Options options = new OptionsBuilder()
                .forks(0)
                .mode(Mode.SingleShotTime)
                .warmupIterations(0)
                .measurementIterations(1)
                .shouldFailOnError(true)
                .verbosity(VerboseMode.SILENT)
                .param("rows", "64")
                .param("columns", "256")
                .param("inputs", "1", "4")
                .param("positions", "100")
                .param("vocabSize", "3000")
                .param("words", "20")
                .build();
        Collection<RunResult> results = new Runner(options).run();

        Set<String> benchmarks = new TreeSet<>();
        for (RunResult result : results) {
            benchmarks.add(result.getParams().getBenchmark().replaceFirst(".*\\.(\\w+\\.\\w+)", "$1"));
        }
        assertThat(benchmarks)
                .containsExactlyInAnyOrder(
                        "AttentionBenchmark.attend",
                        "KernelBenchmark.multiply",
                        "RowBenchmark.rmsNorm",
                        "RowBenchmark.rmsNormOracle",
                        "RowBenchmark.rope",
                        "RowBenchmark.ropeAngles",
                        "RowBenchmark.ropeOracle",
                        "SamplingBenchmark.oracle",
                        "SamplingBenchmark.sample",
                        "VocabularyBenchmark.decode",
                        "VocabularyBenchmark.decodeOracle",
                        "VocabularyBenchmark.encode",
                        "VocabularyBenchmark.encodeOracle",
                        "VocabularyBenchmark.load",
                        "VocabularyBenchmark.open",
                        "VocabularyBenchmark.openOracle");
    }
}
