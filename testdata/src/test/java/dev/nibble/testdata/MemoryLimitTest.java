package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.GenerationOptions;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.OutOfMemoryException;
import dev.nibble.Session;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A model of 135 million weights in processes that may not have much memory: it runs or is refused, and nothing is killed. */
class MemoryLimitTest {
    private static final Path VERSION_1 = Path.of("/sys/fs/cgroup/memory");
    private static final Path VERSION_2 = Path.of("/sys/fs/cgroup");

    @TempDir
    static Path folder;

    private static synchronized Path model() throws IOException {
        Path file = folder.resolve("model.gguf");
        if (!Files.exists(file)) {
            RandomModels.write("smollm2-135m", "Q4_0", 1, file);
        }
        return file;
    }

    private record Outcome(int code, String output) {}

    @Test
    void aContainerIsNeverFilledUntilTheSystemKillsTheProcess() throws Exception {
        Path group = group();
        try {
            for (int megabytes : new int[] {400, 200, 150, 110, 90}) {
                limit(group, megabytes * 1_000_000L);
                Outcome outcome = run(
                        List.of("sh", "-c", "echo $$ > " + group.resolve("cgroup.procs") + " && exec \"$@\"", "sh"),
                        List.of("-XX:+UseSerialGC"),
                        "12");
                String what = megabytes + " MB: " + outcome;
                assertThat(outcome.code()).as(what).isIn(0, 1);
                if (megabytes == 400) {
                    assertThat(outcome.output())
                            .as(what)
                            .contains("generated 12")
                            .doesNotContain("without copies");
                }
                if (outcome.code() == 1) {
                    assertThat(outcome.output())
                            .as(what)
                            .contains("OutOfMemoryException")
                            .contains("only ");
                }
            }
        } finally {
            Files.delete(group);
        }
    }

    @Test
    void aFullJavaHeapIsNamed() throws Exception {
        Outcome outcome = run(List.of(), List.of("-Xmx22m", "-XX:+UseSerialGC"), "600");
        assertThat(outcome.code()).as(outcome.output()).isEqualTo(1);
        assertThat(outcome.output())
                .contains("the Java heap is full: the buffers to evaluate 512 tokens need up to ")
                .contains("-Xmx")
                .doesNotContain("MaxDirectMemorySize");
    }

    private static Outcome run(List<String> before, List<String> jvm, String promptTokens) throws Exception {
        List<String> command = new ArrayList<>(before);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        command.addAll(ProcessorVectors.options());
        command.add("--enable-native-access=ALL-UNNAMED");
        command.addAll(jvm);
        String path = java.util.stream.Stream.of(
                        LanguageModel.class, dev.nibble.gguf.GgufFile.class, MemoryLimitTest.class)
                .map(MemoryLimitTest::location)
                .distinct()
                .reduce((a, b) -> a + java.io.File.pathSeparator + b)
                .orElseThrow();
        command.addAll(List.of("-cp", path + java.io.File.pathSeparator + System.getProperty("java.class.path")));
        command.addAll(List.of(Main.class.getName(), model().toString(), promptTokens));
        Path output = Files.createTempFile(folder, "output", ".txt");
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            assertThat(process.waitFor(180, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        return new Outcome(process.exitValue(), Files.readString(output, StandardCharsets.UTF_8));
    }

    private static String location(Class<?> type) {
        return Path.of(java.net.URI.create(
                        type.getProtectionDomain().getCodeSource().getLocation().toString()))
                .toString();
    }

    /** A control group of this test's; the test is skipped, and says why, where none can be made. */
    private static Path group() {
        boolean first = Files.exists(VERSION_1.resolve("memory.limit_in_bytes"));
        Path group = (first ? VERSION_1 : VERSION_2)
                .resolve("nibble-test-" + ProcessHandle.current().pid());
        String failure = "";
        try {
            Files.createDirectory(group);
            if (!Files.isWritable(group.resolve(first ? "memory.limit_in_bytes" : "memory.max"))) {
                Files.delete(group);
                failure = "the control group has no limit of memory";
            }
        } catch (IOException | RuntimeException e) {
            failure = e.toString();
        }
        assumeTrue(failure.isEmpty(), "no control group can be made here: " + failure);
        return group;
    }

    private static void limit(Path group, long bytes) throws IOException {
        Path first = group.resolve("memory.limit_in_bytes");
        Files.writeString(Files.exists(first) ? first : group.resolve("memory.max"), Long.toString(bytes));
    }

    /** Loads a model, reads a prompt and generates twelve tokens. */
    static final class Main {
        private Main() {}

        @SuppressWarnings("SystemOut")
        public static void main(String[] args) throws IOException {
            int[] prompt = new int[Integer.parseInt(args[1])];
            Arrays.fill(prompt, 77);
            try (LanguageModel model = LanguageModel.load(Path.of(args[0]), LoadOptions.DEFAULT.withThreads(2));
                    Session session = model.newSession()) {
                System.out.println(model.backendDescription());
                int count = session.stream(
                                prompt,
                                GenerationOptions.GREEDY
                                        .withIgnoreEndOfGeneration(true)
                                        .withMaxTokens(12))
                        .result()
                        .tokens()
                        .length;
                System.out.println("generated " + count);
            } catch (OutOfMemoryException e) {
                System.out.println(e);
                System.exit(1);
            }
        }
    }
}
