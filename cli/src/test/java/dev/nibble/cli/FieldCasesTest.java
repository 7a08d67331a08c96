package dev.nibble.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.jr.ob.JSON;
import dev.nibble.testdata.Conformance;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/**
 * Command lines with small inputs rebuilt from what was reported of other programs: the folder {@code cases} beside the
 * reference data. Each folder in it has a {@code cases.json}, an array of objects with
 *
 * <ul>
 *   <li>{@code name}, {@code args}: {@code {F}} in them is the folder {@code files} beside, {@code {T}} an empty one
 *   <li>{@code expect}: what may happen, one of them has to: {@code rc}, {@code stdout} (exact), {@code stdout_re}, {@code
 *       stderr} and {@code stderr_not} (found in it, paths aside)
 *   <li>{@code env} (null takes a variable away), {@code stdin}, {@code copy} (a file and its name in {@code {T}})
 *   <li>{@code kind}: what is done and looked at beyond
 * </ul>
 */
@DisabledOnOs(value = OS.WINDOWS, disabledReason = "the cases need a shell, named pipes and /dev/full")
class FieldCasesTest {
    private static final Set<String> KEYS = Set.of("name", "args", "expect", "env", "stdin", "copy", "kind", "why");
    private static final Set<String> EXPECTATIONS = Set.of("rc", "stdout", "stdout_re", "stderr", "stderr_not");
    private static final Pattern STACK =
            Pattern.compile("\\bat [\\w.$/]+\\(|\\b(java|javax|dev)\\.[\\w.]+(Exception|Error)\\b");

    @TempDir
    static Path folder;

    @TestFactory
    Stream<DynamicTest> cases() throws IOException {
        Path cases =
                Conformance.isPresent() ? Conformance.path("").toAbsolutePath().resolveSibling("cases") : null;
        String reason = cases == null ? Conformance.missing() : "there is no folder " + cases;
        if (cases == null || !Files.isDirectory(cases)) {
            System.err.println("SKIPPED: " + reason);
        }
        assumeTrue(cases != null && Files.isDirectory(cases), reason);
        List<DynamicTest> tests = new ArrayList<>();
        try (Stream<Path> folders = Files.list(Objects.requireNonNull(cases)).sorted()) {
            for (Path one : folders.filter(path -> Files.exists(path.resolve("cases.json")))
                    .toList()) {
                for (Object given : JSON.std.listFrom(Files.readString(one.resolve("cases.json")))) {
                    Case field = new Case(one.resolve("files"), (Map<?, ?>) given);
                    tests.add(DynamicTest.dynamicTest(field.name(), field::check));
                }
            }
        }
        assertThat(tests).as("cases in " + cases).isNotEmpty();
        return tests.stream();
    }

    /** One command line, and what has to come of it. */
    private static final class Case {
        private final Path files;
        private final Map<?, ?> given;
        private Path own = Path.of("");

        Case(Path files, Map<?, ?> given) {
            this.files = files;
            this.given = given;
            assertThat(given.keySet()).as("what is known of a case").allMatch(KEYS::contains);
        }

        String name() {
            return (String) Objects.requireNonNull(given.get("name"));
        }

        void check() throws IOException, InterruptedException {
            own = Files.createTempDirectory(folder, "case");
            String kind = (String) given.get("kind");
            switch (kind) {
                case null -> hold(run(process(), arguments()));
                case "stdout-is-full" -> {
                    Path full = Path.of("/dev/full");
                    assumeTrue(Files.exists(full), "this system has no /dev/full");
                    hold(run(process().withOutputTo(full), arguments()));
                }
                case "listed-names-work" -> listedNamesWork();
                case "pipe-stays-a-pipe" -> pipeStays();
                case "folder-stays" -> {
                    Path target = Files.createDirectory(own.resolve("folder"));
                    hold(run(process(), arguments()));
                    assertThat(target).isEmptyDirectory();
                }
                default -> throw new AssertionError("unknown kind of case: " + kind);
            }
        }

        private NibbleProcess process() throws IOException {
            NibbleProcess process = new NibbleProcess(Files.createTempDirectory(folder, "process"));
            map("env")
                    .forEach((name, value) ->
                            process.with((String) name, value == null ? null : filled((String) value)));
            map("copy")
                    .forEach((from, to) ->
                            process.after("cp", files.resolve((String) from).toString(), own + "/" + to));
            return given.get("stdin") instanceof String input ? process.withInput(input) : process;
        }

        private static CommandRunner.Result run(NibbleProcess process, List<String> arguments)
                throws IOException, InterruptedException {
            CommandRunner.Result result = process.run(arguments);
            assertThat(STACK.matcher(result.err()).find())
                    .as("whether there is a Java exception in " + result.err())
                    .isFalse();
            return result;
        }

        private void listedNamesWork() throws IOException, InterruptedException {
            CommandRunner.Result listed = run(process(), List.of("list"));
            List<String> names = listed.out()
                    .lines()
                    .map(line -> line.substring(line.lastIndexOf(' ') + 1))
                    .filter(name -> name.startsWith("ollama:"))
                    .toList();
            assertThat(names).as(listed.toString()).isNotEmpty();
            for (String name : names) {
                CommandRunner.Result result = run(process(), List.of("tokenize", "-m", name, "a"));
                assertThat(result.code()).as(name + ": " + result.err()).isZero();
            }
        }

        private void pipeStays() throws IOException, InterruptedException {
            Path pipe = own.resolve("pipe");
            assertThat(new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor())
                    .isZero();
            // It reads until the last writer closes; where nobody writes, what is below does.
            Thread reader = Thread.ofPlatform().daemon().start(() -> {
                try (InputStream in = Files.newInputStream(pipe)) {
                    in.transferTo(java.io.OutputStream.nullOutputStream());
                } catch (IOException e) {
                    throw new java.io.UncheckedIOException(e);
                }
            });
            hold(run(process(), arguments()));
            assertThat(Files.readAttributes(pipe, java.nio.file.attribute.BasicFileAttributes.class)
                            .isOther())
                    .as("whether it is a pipe still")
                    .isTrue();
            try (Stream<Path> all = Files.list(own)) {
                assertThat(all).containsExactly(pipe);
            }
            // a writer that is a reader too need not wait for one, and ends a reader who waits for a writer
            Files.newByteChannel(pipe, StandardOpenOption.READ, StandardOpenOption.WRITE)
                    .close();
            reader.join(10_000);
        }

        private void hold(CommandRunner.Result result) {
            List<?> expected = (List<?>) Objects.requireNonNull(given.get("expect"));
            if (!expected.isEmpty()) {
                assertThat(expected).as(result.toString()).anyMatch(one -> holds((Map<?, ?>) one, result));
            }
        }

        private boolean holds(Map<?, ?> expected, CommandRunner.Result result) {
            assertThat(expected.keySet()).as("what is known of an expectation").allMatch(EXPECTATIONS::contains);
            String err = withoutPaths(result.err());
            return expected.entrySet().stream().allMatch(one -> {
                String value = String.valueOf(one.getValue());
                return switch ((String) one.getKey()) {
                    case "rc" -> result.code() == Integer.parseInt(value);
                    case "stdout" -> result.out().equals(value);
                    case "stdout_re" ->
                        Pattern.compile(value).matcher(result.out()).find();
                    case "stderr" -> Pattern.compile(value).matcher(err).find();
                    default -> !Pattern.compile(value).matcher(err).find();
                };
            });
        }

        private String withoutPaths(String text) {
            String left = text;
            for (String argument : arguments()) {
                left = argument.contains("/") ? left.replace(argument, "") : left;
            }
            return left.replaceAll(
                    "(" + Pattern.quote(files.toString()) + "|" + Pattern.quote(own.toString()) + ")[^\\s:]*", "");
        }

        private List<String> arguments() {
            return ((List<?>) Objects.requireNonNull(given.get("args")))
                    .stream().map(argument -> filled((String) argument)).toList();
        }

        private String filled(String text) {
            return text.replace("{F}", files.toString()).replace("{T}", own.toString());
        }

        private Map<?, ?> map(String key) {
            Object value = given.get(key);
            return value == null ? Map.of() : (Map<?, ?>) value;
        }
    }
}
