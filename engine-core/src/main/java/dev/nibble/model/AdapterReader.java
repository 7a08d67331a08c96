package dev.nibble.model;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.cpu.quant.BlockFormat;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Reads a LoRA adapter: {@code general.type} adapter, {@code adapter.type} lora, {@code adapter.lora.alpha}, and for a weight
 * NAME of the model the tensors {@code NAME.lora_a} and {@code NAME.lora_b}. One that was made for another model, or changes
 * what cannot be changed here, is refused by name.
 */
public final class AdapterReader {
    private static final String A = ".lora_a";
    private static final String B = ".lora_b";
    private static final String ALPHA = "adapter.lora.alpha";

    /** Keys of adapters that do not count from the first token on. */
    private static final String INVOCATION = "adapter.alora.invocation_tokens";

    /** Latent attention multiplies with these head by head, as they stand or in another order. */
    private static final Pattern LATENT = Pattern.compile("blk\\.\\d+\\.attn_(kv|k|v)_b\\.weight");

    private static final Pattern EXPERTS = Pattern.compile("blk\\.\\d+\\.ffn_\\w+_(ch)?exps\\.weight");

    private final ModelSource adapter;
    private final ModelSource model;
    private final Metadata metadata;

    private AdapterReader(ModelSource adapter, ModelSource model) {
        this.adapter = adapter;
        this.model = model;
        metadata = adapter.metadata();
    }

    /**
     * Reads an adapter.
     *
     * @param adapter the open file
     * @param name how sessions choose it
     * @param scale of sessions that choose nothing
     * @param model what it shall change
     * @throws UnsupportedModelException if it is no LoRA adapter, made for another model, or changes what cannot be changed
     * @throws ModelFormatException if it is damaged
     */
    public static Adapter read(ModelSource adapter, String name, float scale, ModelSource model) {
        return new AdapterReader(adapter, model).read(name, scale);
    }

    private Adapter read(String name, float scale) {
        requireAdapter();
        float alpha = metadata.requireFloat(ALPHA);
        if (!Float.isFinite(alpha)) {
            throw metadata.failure(ALPHA, "expected a number, found " + alpha);
        }
        Map<String, LowRank> weights = new LinkedHashMap<>();
        for (Tensor tensor : adapter.tensors()) {
            String of = tensor.name();
            if (of.endsWith(A)) {
                String weight = of.substring(0, of.length() - A.length());
                weights.put(weight, lowRank(weight, tensor, pair(weight, B), alpha));
            } else if (of.endsWith(B)) {
                pair(of.substring(0, of.length() - B.length()), A);
            } else {
                throw unsupported("the tensor " + of + " replaces a weight of the model, and only products of two small"
                        + " matrices (" + A + ", " + B + ") are added here; merge the adapter into its base model");
            }
        }
        if (weights.isEmpty()) {
            throw unsupported("the adapter has no tensors, so it changes nothing");
        }
        return new Adapter(name, scale, weights);
    }

    private void requireAdapter() {
        if (!(metadata.get("general.type") instanceof String type) || !type.equals("adapter")) {
            throw unsupported("this is no adapter: general.type is not 'adapter'"
                    + (metadata.get("general.type") instanceof String other ? " but '" + other + "'" : ""));
        }
        String kind = metadata.requireString("adapter.type");
        if (!kind.equals("lora")) {
            throw unsupported("the adapter is of the type '" + kind + "'; supported is lora");
        }
        String own = metadata.requireString("general.architecture");
        String other = model.metadata().requireString("general.architecture");
        if (!own.equals(other)) {
            throw unsupported("the adapter was made for a model of the architecture '" + own + "', and " + model.name()
                    + " is of '" + other + "'");
        }
        if (metadata.contains(INVOCATION)) {
            throw unsupported(
                    "the adapter counts only behind certain tokens (" + INVOCATION + "), which is not supported");
        }
    }

    private Tensor pair(String weight, String ending) {
        return adapter.tensor(weight + ending)
                .orElseThrow(() -> new ModelFormatException(adapter.name() + ": the tensor " + weight + ending
                        + " is missing, without which the other of the pair means nothing"));
    }

    private LowRank lowRank(String name, Tensor a, Tensor b, float alpha) {
        Tensor base = model.tensor(name)
                .orElseThrow(() -> unsupported("the adapter changes the weight " + name + ", which " + model.name()
                        + " does not have; it was made for another model"));
        if (name.equals("token_embd.weight")) {
            throw unsupported(
                    "the adapter changes token_embd.weight, the embeddings of tokens, which is not supported; merge it into"
                            + " its base model");
        }
        boolean experts = EXPERTS.matcher(name).matches();
        if (LATENT.matcher(name).matches() || base.shape().rank() > (experts ? 3 : 2)) {
            throw unsupported("the adapter changes the weight " + name
                    + ", which cannot be changed here; merge it into its" + " base model");
        }
        requireType(a);
        requireType(b);
        long rank = a.shape().dim(1);
        long count = base.shape().dim(2);
        requireShape(name, a, base, Shape.of(base.columns(), rank, count));
        requireShape(name, b, base, Shape.of(rank, base.shape().dim(1), count));
        if (rank < 1 || rank > base.columns()) {
            throw unsupported("the tensor " + a.name() + " has the rank " + rank + ", of a weight with "
                    + base.columns() + " columns");
        }
        return new LowRank(base, a, b, alpha == 0 ? 1 : alpha / rank);
    }

    private void requireType(Tensor tensor) {
        try {
            BlockFormat.of(tensor.dtype());
        } catch (UnsupportedModelException e) {
            throw unsupported(tensor.name() + ": " + e.getMessage());
        }
    }

    private void requireShape(String name, Tensor tensor, Tensor base, Shape expected) {
        for (int i = 0; i < 4; i++) {
            if (tensor.shape().dim(i) != expected.dim(i)) {
                throw unsupported("the tensor " + tensor.name() + " has the shape " + tensor.shape() + ", expected "
                        + expected + " for the weight " + name + " of " + model.name() + ", whose shape is "
                        + base.shape() + "; the adapter was made for another model");
            }
        }
    }

    private UnsupportedModelException unsupported(String problem) {
        return new UnsupportedModelException(adapter.name() + ": " + problem);
    }

    /** The names of weights that an adapter changes and a backend could not, as a message. */
    public static UnsupportedModelException notApplied(Adapter adapter, Set<String> weights) {
        return new UnsupportedModelException("the adapter " + adapter.name() + " changes "
                + String.join(", ", weights.stream().sorted().limit(4).toList())
                + (weights.size() > 4 ? " and " + (weights.size() - 4) + " more weights" : "")
                + ", which the model does not use as a matrix of that form; merge it into its base model");
    }
}
