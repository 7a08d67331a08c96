package dev.nibble.model;

import dev.nibble.tensor.Tensor;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Recognizes files that have the format of a model and are none: by what they say of themselves, or by what they hold. */
final class OtherFiles {

    /**
     * @param types values of {@code general.type} and {@code general.architecture} that say so
     * @param key a beginning of the keys that only such files have
     * @param tensors names that only such files have
     * @param what it is, and what to do
     */
    private record Kind(Set<String> types, String key, Predicate<String> tensors, String what) {}

    private static final String MODEL = "; pass the file of the language model itself";

    private static final List<Kind> KINDS = List.of(
            new Kind(
                    Set.of("adapter"),
                    "adapter.",
                    name -> name.endsWith(".lora_a") || name.endsWith(".lora_b"),
                    "an adapter (LoRA), which changes the weights of a base model and is none itself; pass a file of the"
                            + " base model%s, and this one beside it (LoadOptions.withAdapter, --adapter)"),
            new Kind(
                    Set.of("mmproj", "clip"),
                    "clip.",
                    name -> false,
                    "a projector (mmproj), the encoder of images or sound that lies beside a language model" + MODEL),
            new Kind(
                    Set.of("imatrix"),
                    "imatrix.",
                    name -> name.endsWith(".in_sum2"),
                    "an importance matrix (imatrix), which guides the quantization of a model" + MODEL),
            new Kind(
                    Set.of("controlvector"),
                    "controlvector.",
                    name -> name.startsWith("direction."),
                    "a control vector, which steers a model and is none itself" + MODEL),
            new Kind(
                    Set.of(
                            "aura",
                            "cosmos",
                            "flux",
                            "hidream",
                            "hyvid",
                            "ltxv",
                            "lumina2",
                            "pig",
                            "qwen_image",
                            "sd1",
                            "sd3",
                            "sdxl",
                            "wan"),
                    "stable-diffusion.",
                    name -> false,
                    "a model that makes pictures or films, which this library does not run" + MODEL),
            new Kind(
                    Set.of("dia", "kokoro", "parakeet", "parler-tts", "snac", "wavtokenizer-dec", "whisper"),
                    "whisper.",
                    name -> false,
                    "a model that hears or speaks, which this library does not run" + MODEL));

    private OtherFiles() {}

    /** What the file is, as "this is …", or null for a model. */
    static @Nullable String describe(ModelSource source) {
        Metadata metadata = source.metadata();
        String type = lowerCase(metadata.get("general.type"));
        String architecture = lowerCase(metadata.get("general.architecture"));
        for (Kind kind : KINDS) {
            if (kind.types.contains(type)
                    || kind.types.contains(architecture)
                    || !type.equals("model")
                            && source.tensors().stream().map(Tensor::name).anyMatch(kind.tensors)
                    || architecture.isEmpty() && metadata.keys().stream().anyMatch(key -> key.startsWith(kind.key))) {
                return "this is " + String.format(Locale.ROOT, kind.what, base(metadata));
            }
        }
        if (source.tensors().isEmpty()) {
            return metadata.contains("tokenizer.ggml.tokens")
                    ? "this is a vocabulary: it has a tokenizer and no weights" + MODEL
                    : "this file has no weights" + MODEL;
        }
        return null;
    }

    private static String base(Metadata metadata) {
        return metadata.get("general.base_model.0.name") instanceof String name ? " (" + name + ")" : "";
    }

    private static String lowerCase(@Nullable Object value) {
        return value instanceof String text ? text.toLowerCase(Locale.ROOT) : "";
    }
}
