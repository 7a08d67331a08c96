package dev.nibble.testdata;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.nibble.GenerationOptions;
import dev.nibble.KvBudgetException;
import dev.nibble.LanguageModel;
import dev.nibble.LoadOptions;
import dev.nibble.MemoryPlan;
import dev.nibble.Session;
import dev.nibble.tensor.DType;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** What a process takes is what was announced, however many sessions fill the budget. */
@Tag("class-path") // its process has the class path of the tests
class ResidentMemoryTest {
    private static final Path STATUS = Path.of("/proc/self/status");
    private static final long BUDGET = 48_000_000;

    /** What the virtual machine maps of its own files, which the plan does not count. */
    private static final long MAPPED = 64_000_000;

    @TempDir
    Path folder;

    @EnabledOnOs(value = OS.LINUX, disabledReason = "what a process takes is read from Linux")
    @Timeout(180)
    @Test
    void sessionsThatFillTheBudgetTakeNoMoreThanThePlan() throws Exception {
        assumeTrue(Files.isReadable(STATUS), "the system does not say what a process takes");
        Path file = folder.resolve("model.gguf");
        TinyModels.write("llama", 1, DType.Q8_0, file);
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(), "-Xmx64m", "-XX:+UseSerialGC"));
        command.addAll(ProcessorVectors.options());
        command.addAll(List.of(
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                ResidentMemoryTest.class.getName(),
                file.toString()));
        Process process = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(folder.resolve("output").toFile())
                .start();
        try {
            assertThat(process.waitFor(120, TimeUnit.SECONDS)).isTrue();
        } finally {
            process.destroyForcibly();
        }
        String output = Files.readString(folder.resolve("output"), StandardCharsets.UTF_8);
        String line = output.lines()
                .filter(each -> each.startsWith("announced "))
                .findFirst()
                .orElseThrow(() -> new AssertionError(output));
        String[] words = line.split(" ");
        long announced = Long.parseLong(words[1]);
        long anonymous = Long.parseLong(words[3]);
        long peak = Long.parseLong(words[5]);
        long refused = Long.parseLong(words[7]);
        assertThat(refused).as(line).isPositive();
        assertThat(anonymous).as(line).isGreaterThan(BUDGET).isLessThanOrEqualTo(announced);
        assertThat(peak).as(line).isLessThanOrEqualTo(announced + MAPPED);
    }

    /** Fills the budget a few times over, and says what was announced and what the process had. */
    public static void main(String[] args) throws IOException {
        LoadOptions options = LoadOptions.DEFAULT.withThreads(2).withKvCacheBudget(BUDGET);
        try (LanguageModel model = LanguageModel.load(Path.of(args[0]), options)) {
            MemoryPlan plan = model.memoryPlan(256);
            long announced = plan.total() - plan.kvCache() + BUDGET;
            long anonymous = 0;
            int refused = 0;
            List<Session> sessions = new ArrayList<>();
            for (int round = 0; round < 3; round++) {
                boolean full = false;
                for (int i = 0; !full && i < 1000; i++) {
                    Session session = model.newSession();
                    sessions.add(session);
                    try {
                        session.evaluate(
                                new Random(i + 1000L * round).ints(240, 1, 250).toArray(), false);
                        session.stream(new int[] {1}, GenerationOptions.GREEDY.withMaxTokens(3))
                                .result();
                    } catch (KvBudgetException e) {
                        full = true;
                        refused++;
                    }
                    anonymous = Math.max(anonymous, kilobytes("RssAnon:") * 1024);
                }
                sessions.forEach(Session::close);
                sessions.clear();
            }
            System.out.println("announced " + announced + " anonymous " + anonymous + " peak "
                    + kilobytes("VmHWM:") * 1024 + " refused " + refused);
        }
    }

    private static long kilobytes(String field) throws IOException {
        return Files.readAllLines(STATUS).stream()
                .filter(line -> line.startsWith(field))
                .mapToLong(line ->
                        Long.parseLong(line.substring(field.length()).strip().split(" ")[0]))
                .findFirst()
                .orElseThrow();
    }
}
