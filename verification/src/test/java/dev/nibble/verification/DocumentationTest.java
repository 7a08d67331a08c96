package dev.nibble.verification;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** What the documents say is what the build compiles and publishes. */
final class DocumentationTest {
    private static final Path ROOT = Path.of(System.getProperty("nibble.root"));
    private static final Path EMBED = ROOT.resolve("examples/embed");
    private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)(#[^)]*)?\\)");

    @Test
    void javaInTheReadmeIsCompiledInTheEmbeddingExample() throws IOException {
        StringBuilder text = new StringBuilder();
        try (Stream<Path> files = Files.list(EMBED.resolve("src/main/java/com/example/embed"))) {
            for (Path file : files.toList()) {
                text.append(read(file));
            }
        }
        String sources = normalized(text.toString());
        List<String> blocks = blocks("java");

        assertThat(blocks).hasSizeGreaterThanOrEqualTo(2);
        assertThat(blocks).allSatisfy(block -> assertThat(sources).contains(normalized(block)));
    }

    @Test
    void dependencyInTheReadmeIsTheOneOfTheEmbeddingExampleAndOfThisBuild() throws IOException {
        List<String> blocks = blocks("xml");

        assertThat(blocks).hasSize(1);
        String dependency = withoutSpace(blocks.getFirst());
        assertThat(dependency).contains("<version>" + System.getProperty("nibble.version") + "</version>");
        assertThat(withoutSpace(read(EMBED.resolve("pom.xml")))).contains(dependency);
    }

    static Stream<Path> documents() throws IOException {
        try (Stream<Path> files = Files.walk(ROOT)) {
            return files
                    .filter(file -> file.toString().endsWith(".md"))
                    .filter(file -> Stream.of(ROOT.relativize(file).toString().split("[/\\\\]"))
                            .noneMatch(part -> part.startsWith(".") || part.equals("target")))
                    .toList()
                    .stream();
        }
    }

    @ParameterizedTest
    @MethodSource("documents")
    void linksToFilesLeadSomewhere(Path document) throws IOException {
        Path folder = document.resolveSibling("");
        List<String> dead = LINK.matcher(read(document))
                .results()
                .map(link -> link.group(1))
                .filter(target -> !target.contains(":"))
                .filter(target -> !Files.exists(folder.resolve(target)))
                .toList();

        assertThat(dead).isEmpty();
    }

    private static List<String> blocks(String language) throws IOException {
        return Pattern.compile("```" + language + "\n(.*?)```", Pattern.DOTALL)
                .matcher(read(ROOT.resolve("README.md")))
                .results()
                .map((MatchResult result) -> result.group(1))
                .collect(Collectors.toList());
    }

    private static String read(Path file) throws IOException {
        return Files.readString(file).replace("\r\n", "\n");
    }

    /** The README sets a loop on one line that the source sets, with braces, on three; and it names a file. */
    private static String normalized(String text) {
        return withoutSpace(text).replace("{", "").replace("}", "").replaceAll("Path\\.of\\([^()]*\\)", "file");
    }

    private static String withoutSpace(String text) {
        return text.replaceAll("\\s", "");
    }
}
