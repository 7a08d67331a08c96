package dev.nibble.verification;

import static org.assertj.core.api.Assertions.assertThat;

import dev.nibble.testdata.TinyModels;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Builds and runs {@code examples/embed} as a user would, with the artifacts as they are published, in a Maven of its own
 * on the JDK of the tests.
 */
final class EmbedIT {
    private static final Path EXAMPLE = Path.of(System.getProperty("nibble.root"), "examples", "embed");
    private static final Path TARGET = Path.of(System.getProperty("nibble.target"));

    @Test
    @Timeout(value = 5, unit = TimeUnit.MINUTES)
    void runsOnTheClassPathAndOnTheModulePath() throws Exception {
        Path project = TARGET.resolve("embed");
        copySources(project);
        Path model = TARGET.resolve("tiny.gguf");
        TinyModels.write("llama", 1, model);

        String log = maven(project, "verify", "-Dnibble.model=" + model);

        assertThat(log).contains("(class-path)", "(module-path)", "BUILD SUCCESS");
    }

    private static String maven(Path project, String... arguments) throws IOException, InterruptedException {
        boolean windows = System.getProperty("os.name").startsWith("Windows");
        Path program = Path.of(System.getProperty("embed.maven"), "bin", windows ? "mvn.cmd" : "mvn");
        File log = TARGET.resolve("embed.log").toFile();
        ProcessBuilder builder = new ProcessBuilder(Stream.concat(
                        Stream.of(
                                program.toString(),
                                "--batch-mode",
                                "--no-transfer-progress",
                                "--global-settings",
                                settings().toString(),
                                "-Dmaven.repo.local=" + System.getProperty("embed.repository")),
                        Stream.of(arguments))
                .toList());
        builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
        builder.environment().keySet().removeAll(List.of("MAVEN_OPTS", "MAVEN_PROJECTBASEDIR", "MAVEN_CONFIG"));
        Process process = builder.directory(project.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log)
                .start();
        try {
            int exit = process.waitFor();
            String printed = Files.readString(log.toPath());
            assertThat(exit).as(printed).isZero();
            return printed;
        } finally {
            process.destroyForcibly();
        }
    }

    /** Settings that let the example take its plugins from the repository of the outer build. */
    private static Path settings() throws IOException {
        String repository = """
                <id>outer-build</id>
                <url>%s</url>
                """.formatted(
                        Path.of(System.getProperty("embed.outer.repository")).toUri());
        return Files.writeString(TARGET.resolve("embed-settings.xml"), """
                <settings>
                  <profiles>
                    <profile>
                      <id>outer-build</id>
                      <activation><activeByDefault>true</activeByDefault></activation>
                      <repositories><repository>%1$s</repository></repositories>
                      <pluginRepositories><pluginRepository>%1$s</pluginRepository></pluginRepositories>
                    </profile>
                  </profiles>
                </settings>
                """.formatted(repository));
    }

    private static void copySources(Path project) throws IOException {
        try (Stream<Path> files = Files.walk(EXAMPLE)) {
            for (Path file : files.filter(Files::isRegularFile).toList()) {
                Path relative = EXAMPLE.relativize(file);
                if (!relative.startsWith("target")) {
                    Path copy = project.resolve(relative);
                    Files.createDirectories(copy.getParent());
                    Files.write(copy, Files.readAllBytes(file));
                }
            }
        }
    }
}
