package dev.nibble.cli;

import dev.nibble.LanguageModel;
import dev.nibble.model.ModelSource;
import dev.nibble.tokenizer.StreamingDetokenizer;
import dev.nibble.tokenizer.Tokenizer;
import dev.nibble.tokenizer.Tokenizers;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
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
            "Control tokens written in the text, as <|im_start|>, become one id each unless --no-special. BOS and EOS are "
                    + "added only with --add-special, and then as the model wants them. Only the file's vocabulary is needed.",
            "",
            "Examples:",
            "  nibble tokenize -m model.gguf \"Hello world\"",
            "  nibble tokenize -m model.gguf --file text.txt --no-special",
            "  nibble tokenize -m model.gguf --lines texts.jsonl    one JSON string a line in, one array a line out",
            "  nibble tokenize -m model.gguf --decode 1,2,3         the text of ids",
            "  nibble tokenize model.gguf --decode 1,2,3 --special  with the control tokens"
        })
final class TokenizeCommand extends CliCommand {
    @Mixin
    private final ModelOption model = new ModelOption();

    @Parameters(
            paramLabel = "[MODEL] [TEXT]",
            arity = "0..*",
            hideParamSyntax = true,
            description = "The model, unless -m names it, and the text.")
    private List<String> arguments = List.of();

    @Option(names = "--file", paramLabel = "F", description = "Take the text of a file, - for standard input.")
    private @Nullable Path file;

    @Option(
            names = "--lines",
            paramLabel = "F",
            description = "Take a JSON string from each line of a file, - for standard input.")
    private @Nullable Path lines;

    @Option(names = "--decode", paramLabel = "IDS", description = "Print the text of token ids instead.")
    private @Nullable String decode;

    @Option(names = "--special", description = "Show control tokens too with --decode.")
    private boolean special;

    @Option(names = "--no-special", description = "Control tokens in the text are text.")
    private boolean noSpecial;

    @Option(names = "--add-special", description = "Add BOS and EOS as the model wants them.")
    private boolean addSpecial;

    @Override
    void execute() throws IOException {
        ModelOption.Arguments named = model.withModel(arguments);
        long given = named.texts().size()
                + Stream.of(file, lines, decode).filter(Objects::nonNull).count();
        if (given != 1) {
            throw new UsageException("give one of TEXT, --file, --lines and --decode, not " + given);
        }
        if (special && decode == null) {
            throw new UsageException("--special goes with --decode; control tokens in a text are recognised anyway");
        }
        Tokenizer.Options options =
                Tokenizer.Options.PLAIN.withAddSpecial(addSpecial).withParseSpecial(!noSpecial);
        try (ModelSource source = LanguageModel.open(resolve(String.valueOf(named.model())))) {
            Tokenizer tokenizer = Tokenizers.from(source.metadata());
            if (decode != null) {
                decode(tokenizer, decode);
            } else if (lines != null) {
                for (String line : JsonLines.read(lines, streams().in())) {
                    print(tokenizer.encode(line, options));
                }
            } else if (file != null) {
                print(tokenizer.encode(Input.text(file, streams().in()), options));
            } else {
                print(tokenizer.encode(named.texts().get(0), options));
            }
        }
    }

    private void decode(Tokenizer tokenizer, String ids) {
        int[] tokens = Logits.parseTokens("--decode", ids);
        int size = tokenizer.vocabulary().size();
        for (int id : tokens) {
            if (id < 0 || id >= size) {
                throw new UsageException(
                        "--decode: " + id + " is not a token of this model, whose ids are 0 to " + (size - 1));
            }
        }
        out().println(special ? withControlTokens(tokenizer, tokens) : tokenizer.decode(tokens));
    }

    /** The text of the tokens, control tokens as they are written in the file. */
    private static String withControlTokens(Tokenizer tokenizer, int[] tokens) {
        StreamingDetokenizer detokenizer = new StreamingDetokenizer(tokenizer);
        StringBuilder text = new StringBuilder();
        for (int id : tokens) {
            if (tokenizer.vocabulary().isControl(id)) {
                text.append(detokenizer.flush()).append(tokenizer.vocabulary().text(id));
            } else {
                text.append(detokenizer.append(id));
            }
        }
        return text.append(detokenizer.flush()).toString();
    }

    private void print(int[] ids) {
        StringBuilder json = new StringBuilder(ids.length * 6 + 2).append('[');
        for (int i = 0; i < ids.length; i++) {
            json.append(i == 0 ? "" : ",").append(ids[i]);
        }
        out().println(json.append(']'));
    }
}
