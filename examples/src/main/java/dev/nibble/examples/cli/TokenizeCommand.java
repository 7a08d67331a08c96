package dev.nibble.examples.cli;

import dev.nibble.LanguageModel;
import dev.nibble.model.ModelSource;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
        name = "tokenize",
        description = "Prints the token ids of a text as a JSON array.",
        footer = {
            "",
            "Control tokens written in the text, as <|im_start|>, become one id each unless --no-special. BOS and EOS are",
            "added only with --add-special, and then as the model wants them. Only the file's vocabulary is needed.",
            "",
            "Examples:",
            "  nibble tokenize -m model.gguf \"Hello world\"",
            "  nibble tokenize -m model.gguf --file text.txt --no-special",
            "  nibble tokenize -m model.gguf --lines texts.jsonl    one JSON string a line in, one array a line out",
            "  nibble tokenize -m model.gguf --decode 1,2,3         the text of ids"
        })
final class TokenizeCommand extends CliCommand {
    @Mixin
    private final RequiredModel model = new RequiredModel();

    @Parameters(paramLabel = "TEXT", arity = "0..1", description = "The text.")
    private @Nullable String text;

    @Option(names = "--file", paramLabel = "F", description = "Take the text of a file, - for standard input.")
    private @Nullable Path file;

    @Option(
            names = "--lines",
            paramLabel = "F",
            description = "Take a JSON string from each line of a file, - for standard input.")
    private @Nullable Path lines;

    @Option(names = "--decode", paramLabel = "IDS", description = "Print the text of token ids instead.")
    private @Nullable String decode;

    @Option(names = "--no-special", description = "Control tokens in the text are text.")
    private boolean noSpecial;

    @Option(names = "--add-special", description = "Add BOS and EOS as the model wants them.")
    private boolean addSpecial;

    @Override
    void execute() throws IOException {
        long given = java.util.stream.Stream.of(text, file, lines, decode)
                .filter(java.util.Objects::nonNull)
                .count();
        if (given != 1) {
            throw new UsageException("give one of TEXT, --file, --lines and --decode, not " + given);
        }
        Tokenizer.Options options = new Tokenizer.Options(addSpecial, !noSpecial);
        try (ModelSource source = LanguageModel.open(resolve(model.locator()))) {
            Tokenizer tokenizer = Tokenizers.from(source.metadata());
            if (decode != null) {
                decode(tokenizer, decode);
            } else if (lines != null) {
                for (String line : JsonLines.read(lines, streams().in())) {
                    print(tokenizer.encode(line, options));
                }
            } else if (file != null) {
                print(tokenizer.encode(Input.text(file, streams().in()), options));
            } else if (text != null) {
                print(tokenizer.encode(text, options));
            }
        }
    }

    private void decode(Tokenizer tokenizer, String ids) {
        int[] tokens = Logits.parseTokens(ids);
        int size = tokenizer.vocabulary().size();
        for (int id : tokens) {
            if (id < 0 || id >= size) {
                throw new UsageException(
                        "--decode: " + id + " is not a token of this model, whose ids are 0 to " + (size - 1));
            }
        }
        out().println(tokenizer.decode(tokens));
    }

    private void print(int[] ids) {
        StringBuilder json = new StringBuilder(ids.length * 6 + 2).append('[');
        for (int i = 0; i < ids.length; i++) {
            json.append(i == 0 ? "" : ",").append(ids[i]);
        }
        out().println(json.append(']'));
    }
}
