package dev.nibble.model.arch;

import dev.nibble.ModelFormatException;
import dev.nibble.UnsupportedModelException;
import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import dev.nibble.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What of a file the reading of a model did not ask for. A weight that is left out and a number that is not followed make
 * every result wrong without a sign of it, so whatever is left has to be of a sort that text does without; else the file
 * is refused.
 */
final class Leftovers {
    /** Beginnings of names: encoders of images and sound, predictors of later tokens, heads that rate texts. */
    private static final List<String> OTHER_PARTS = List.of("v.", "a.", "mm.", "mtp.", "cls.");

    /** Ends of names: the range of a matrix' input, for devices that round it to 4 bits. */
    private static final String INPUT_RANGE = ".input_scale";

    /** What old converters kept of the rotation, which follows from its base. */
    private static final String ROTATION = "attn_rot_embd";

    /** Parts of a name in a block that predicts later tokens, as {@code blk.30.nextn.eh_proj.weight}. */
    static final String PREDICTION = "nextn.";

    private static final Pattern BLOCK = Pattern.compile("blk\\.(\\d{1,9})\\.(.*)");

    /** So many are named, the others counted. */
    private static final int NAMED = 4;

    private final Set<String> tensors = new HashSet<>();
    private final Set<String> keys = new HashSet<>();

    /** Notes that a tensor is used, or passed over on purpose. */
    void tensor(String name) {
        tensors.add(name);
    }

    /** Notes that the architecture follows a key, or passes it over on purpose. */
    void key(String key) {
        keys.add(key);
    }

    /**
     * Refuses the file if something is left that would change what the model computes.
     *
     * @throws ModelFormatException if there are blocks beyond those that are counted
     * @throws UnsupportedModelException for weights and numbers that the architecture does not know
     */
    void check(ModelSource source, ModelReader reader) {
        checkTensors(source, reader);
        for (String key : SideKeys.notNeutral(reader)) {
            if (!keys.contains(reader.architecture + "." + key)) {
                throw unsupported(
                        source.metadata(),
                        reader.architecture + "." + key,
                        "the value " + SideKeys.text(source.metadata().get(reader.architecture + "." + key))
                                + " would change what the model computes, and this version does not follow it in the"
                                + " architecture " + reader.architecture + "; " + remedy(key));
            }
        }
    }

    private static String remedy(String key) {
        return key.equals(SideKeys.WINDOW)
                ? "load the model with a context of at most that many tokens, or get a newer version"
                : "get a newer version, or a file of the model without this key";
    }

    private void checkTensors(ModelSource source, ModelReader reader) {
        List<String> beyond = new ArrayList<>();
        List<String> unknown = new ArrayList<>();
        for (Tensor tensor : source.tensors()) {
            String name = tensor.name();
            if (!tensors.contains(name) && !isOtherPart(name)) {
                (isBeyond(name, reader) ? beyond : unknown).add(name);
            }
        }
        if (!beyond.isEmpty()) {
            throw source.metadata()
                    .failure(
                            reader.architecture + ".block_count",
                            "the file says that " + reader.layerCount + " blocks make up the model ("
                                    + reader.blockCounts() + "), but it has " + list(beyond)
                                    + " as well; one of both is wrong, convert the model again or get another file");
        }
        if (!unknown.isEmpty()) {
            throw new UnsupportedModelException(source.name() + ": the architecture " + reader.architecture
                    + " of this version has no use for " + list(unknown)
                    + ", and what the model computes without would be wrong; the file is of a newer kind of model, or"
                    + " general.architecture is wrong: get a newer version, or another file of the model");
        }
    }

    /** Whether a tensor is of a block that the file does not count, or would have one predict that is counted as a layer. */
    private static boolean isBeyond(String name, ModelReader reader) {
        Matcher block = BLOCK.matcher(name);
        if (!block.matches()) {
            return false;
        }
        int index = Integer.parseInt(block.group(1));
        return index >= reader.blockCount
                || index < reader.layerCount && block.group(2).startsWith(PREDICTION);
    }

    private static boolean isOtherPart(String name) {
        Matcher block = BLOCK.matcher(name);
        return OTHER_PARTS.stream().anyMatch(name::startsWith)
                || name.endsWith(INPUT_RANGE)
                || block.matches() && block.group(2).startsWith(ROTATION);
    }

    private static String list(List<String> names) {
        String listed = String.join(", ", names.subList(0, Math.min(NAMED, names.size())));
        int more = names.size() - NAMED;
        return (names.size() == 1 ? "the tensor " : "the " + names.size() + " tensors ")
                + listed
                + (more > 0 ? " and " + more + " more" : "");
    }

    private static UnsupportedModelException unsupported(Metadata metadata, String key, String problem) {
        return new UnsupportedModelException(
                Objects.requireNonNull(metadata.failure(key, problem).getMessage()));
    }
}
