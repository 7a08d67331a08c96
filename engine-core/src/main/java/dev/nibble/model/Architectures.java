package dev.nibble.model;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.arch.Apertus;
import dev.nibble.model.arch.Arctic;
import dev.nibble.model.arch.BailingMoe3;
import dev.nibble.model.arch.Bert;
import dev.nibble.model.arch.BitNet;
import dev.nibble.model.arch.CogVlm;
import dev.nibble.model.arch.Cohere2Moe;
import dev.nibble.model.arch.Deci;
import dev.nibble.model.arch.DeepSeek2;
import dev.nibble.model.arch.DeepSeek4;
import dev.nibble.model.arch.DenseDecoders;
import dev.nibble.model.arch.Diffusion;
import dev.nibble.model.arch.Dots3Note;
import dev.nibble.model.arch.ExpertDecoders;
import dev.nibble.model.arch.FalconH1;
import dev.nibble.model.arch.Gemma2;
import dev.nibble.model.arch.Gemma3n;
import dev.nibble.model.arch.Gemma4;
import dev.nibble.model.arch.Glm4;
import dev.nibble.model.arch.Glm5Next;
import dev.nibble.model.arch.Granite;
import dev.nibble.model.arch.Grok;
import dev.nibble.model.arch.GroveMoe;
import dev.nibble.model.arch.HrmText;
import dev.nibble.model.arch.HyV4;
import dev.nibble.model.arch.KimiK3;
import dev.nibble.model.arch.KimiLinear;
import dev.nibble.model.arch.Lfm2;
import dev.nibble.model.arch.Llama;
import dev.nibble.model.arch.Llama4;
import dev.nibble.model.arch.LlamaEncoder;
import dev.nibble.model.arch.Mamba2Decoder;
import dev.nibble.model.arch.MambaDecoder;
import dev.nibble.model.arch.Maple;
import dev.nibble.model.arch.Mimo2;
import dev.nibble.model.arch.MiniCpm3;
import dev.nibble.model.arch.MiniMax01;
import dev.nibble.model.arch.Mistral3;
import dev.nibble.model.arch.ModernBert;
import dev.nibble.model.arch.MuseGlimmer;
import dev.nibble.model.arch.Nanbeige;
import dev.nibble.model.arch.NemotronH;
import dev.nibble.model.arch.Plamo2;
import dev.nibble.model.arch.Qwen3;
import dev.nibble.model.arch.Qwen35;
import dev.nibble.model.arch.Rwkv;
import dev.nibble.model.arch.SmallThinker;
import dev.nibble.model.arch.Step35;
import dev.nibble.model.arch.T5;
import dev.nibble.model.arch.Talkie;
import java.util.List;
import java.util.Locale;
import java.util.TreeMap;

/** The architectures this version runs. */
public final class Architectures {
    private static final List<Architecture> ALL = List.of(
            new Llama(),
            new Qwen3(),
            new Qwen35(),
            new Gemma2(),
            new Gemma3n(),
            new Gemma4(),
            new Mistral3(),
            new Glm4(),
            new Granite(),
            new Lfm2(),
            new DeepSeek2(),
            new Bert(),
            new ModernBert(),
            new LlamaEncoder(),
            new MambaDecoder(),
            new Plamo2(),
            new Rwkv(),
            new DenseDecoders(),
            new ExpertDecoders(),
            new Diffusion(),
            new Apertus(),
            new Arctic(),
            new BitNet(),
            new CogVlm(),
            new Cohere2Moe(),
            new Deci(),
            new FalconH1(),
            new Grok(),
            new GroveMoe(),
            new HrmText(),
            new Llama4(),
            new MiniCpm3(),
            new Mamba2Decoder(),
            new Maple(),
            new Mimo2(),
            new MuseGlimmer(),
            new Nanbeige(),
            new NemotronH(),
            new SmallThinker(),
            new Step35(),
            new T5(),
            new Talkie(),
            new BailingMoe3(),
            new DeepSeek4(),
            new Dots3Note(),
            new Glm5Next(),
            new HyV4(),
            new KimiK3(),
            new KimiLinear(),
            new MiniMax01());

    private static final TreeMap<String, Architecture> BY_NAME = new TreeMap<>();

    static {
        for (Architecture architecture : ALL) {
            architecture.names().forEach(name -> BY_NAME.put(name, architecture));
        }
    }

    private Architectures() {}

    /** All supported values of {@code general.architecture}, sorted. */
    public static List<String> names() {
        return List.copyOf(BY_NAME.keySet());
    }

    /**
     * Reads the model in an open file.
     *
     * @param contextLength as in {@link Architecture#read}
     * @throws UnsupportedModelException if its architecture is not supported
     * @throws dev.nibble.ModelFormatException if it contradicts its architecture
     */
    public static Model read(ModelSource source, int contextLength) {
        requireModel(source);
        String name = source.metadata().requireString("general.architecture");
        Architecture architecture = BY_NAME.get(name);
        if (architecture == null) {
            throw new UnsupportedModelException(source.name() + ": the architecture '" + name + "' is not supported; "
                    + nearly(name) + "supported are " + String.join(", ", names()));
        }
        try {
            return architecture.read(source, contextLength);
        } catch (IllegalArgumentException e) {
            // what the parts of a model say when they do not fit together does not name the file
            throw new ModelFormatException(source.name() + ": " + e.getMessage(), e);
        } catch (ArithmeticException e) {
            throw new ModelFormatException(
                    source.name() + ": expected sizes below 2^31 in the metadata, found some whose product is larger",
                    e);
        }
    }

    /**
     * Refuses a file that has the format of a model and is none: an adapter, a projector, an importance matrix, a control
     * vector, a vocabulary.
     *
     * @throws UnsupportedModelException that says what the file is
     */
    public static void requireModel(ModelSource source) {
        String other = OtherFiles.describe(source);
        if (other != null) {
            throw new UnsupportedModelException(source.name() + ": " + other);
        }
    }

    /** A remark on a name that is one of the supported ones but for its spelling. */
    private static String nearly(String name) {
        for (String known : names()) {
            if (plain(known).equals(plain(name))) {
                return "files that llama.cpp made call it '" + known
                        + "', this one is of another program and its weights may be stored otherwise: get a file that"
                        + " was made for llama.cpp; ";
            }
        }
        return "";
    }

    private static String plain(String name) {
        return name.toLowerCase(Locale.ROOT)
                .replaceAll("[^a-z0-9]", "")
                .replaceFirst("(forcausallm|forconditionalgeneration|model)$", "");
    }
}
