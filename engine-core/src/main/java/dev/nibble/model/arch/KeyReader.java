package dev.nibble.model.arch;

import dev.nibble.model.Metadata;
import dev.nibble.model.ModelSource;
import java.util.Arrays;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What all architectures read alike of the metadata: keys with the architecture's prefix, numbers for all layers or for each. A
 * senseless number is a {@link dev.nibble.ModelFormatException} that names the key.
 *
 * <p>Blocks that predict later tokens lie behind the layers and are numbered on. Where an array has entries for the layers only,
 * such a block has the integer of the last layer, a window and a fraction as where the key is absent.
 */
abstract sealed class KeyReader permits ModelReader {
    /** More blocks than any model has; a larger count is a damaged file. */
    private static final int MAX_LAYERS = 4096;

    /** Elements of a recurrent state: 64 MiB, a multiple of what models have. */
    private static final int MAX_STATE = 1 << 24;

    private static final String PREDICTING = "nextn_predict_layers";

    final Metadata metadata;
    final String architecture;

    /** Blocks that run. */
    final int layerCount;

    /** These, and behind them those that predict later tokens, if the file has them. */
    final int blockCount;

    final Leftovers leftovers = new Leftovers();

    KeyReader(ModelSource source) {
        metadata = source.metadata();
        architecture = metadata.requireString("general.architecture");
        int counted = positive("block_count");
        int predicting = count(PREDICTING, 0);
        layerCount = counted - predicting;
        if (layerCount < 1 || counted > MAX_LAYERS) {
            throw metadata.failure(
                    key("block_count"), layerCount + " layers (" + blockCounts() + "); expected 1 to " + MAX_LAYERS);
        }
        int end = layerCount;
        while (predicts(source, end)) {
            end++;
        }
        blockCount = end == layerCount ? end : Math.max(end, counted);
    }

    /** Told by tensors: there are files with a count and without the blocks, and with blocks that are not counted. */
    private static boolean predicts(ModelSource source, int block) {
        return Stream.of("eh_proj", "enorm", "hnorm")
                .anyMatch(name -> source.tensor(ModelReader.block(block, Leftovers.PREDICTION + name + ".weight"))
                        .isPresent());
    }

    /** What the number of layers is made of, for messages. */
    final String blockCounts() {
        int predicting = count(PREDICTING, 0);
        return key("block_count") + " " + metadata.get(key("block_count"))
                + (predicting == 0 ? "" : " less " + key(PREDICTING) + " " + predicting);
    }

    /** The key of this architecture; who asks for it follows it, or passes it over on purpose. */
    String key(String suffix) {
        String key = architecture + "." + suffix;
        leftovers.key(key);
        return key;
    }

    boolean has(String suffix) {
        return metadata.contains(key(suffix));
    }

    /** An integer above zero that must be there. */
    int positive(String suffix) {
        return checkLeast(suffix, metadata.requireInt(key(suffix)), 1);
    }

    /** An integer above zero, or the default, if that is above zero. */
    int positive(String suffix, int defaultValue) {
        return checkLeast(suffix, metadata.optionalInt(key(suffix), defaultValue), 1);
    }

    /** An integer of zero or more, or the default. */
    int count(String suffix, int defaultValue) {
        return checkLeast(suffix, metadata.optionalInt(key(suffix), defaultValue), 0);
    }

    /** So many times a size, as an integer of the metadata says, where the product is a size too. */
    int times(String suffix, int count, int size) {
        long product = (long) count * size;
        if (product > Integer.MAX_VALUE) {
            throw metadata.failure(
                    key(suffix),
                    "expected a number that times " + size + " is " + Integer.MAX_VALUE + " at most, found " + count);
        }
        return (int) product;
    }

    private int checkLeast(String suffix, int value, int least) {
        if (value < least) {
            throw metadata.failure(
                    key(suffix), "expected a number " + (least == 1 ? "above 0" : "of 0 or more") + ", found " + value);
        }
        return value;
    }

    /** A finite number above zero that must be there. */
    float positiveFloat(String suffix) {
        return checkAboveZero(suffix, metadata.requireFloat(key(suffix)));
    }

    /** A finite number above zero, or the default. */
    float positiveFloat(String suffix, float defaultValue) {
        return has(suffix) ? positiveFloat(suffix) : defaultValue;
    }

    private float checkAboveZero(String suffix, float value) {
        if (!(value > 0) || Float.isInfinite(value)) {
            throw metadata.failure(key(suffix), "expected a number above 0, found " + value);
        }
        return value;
    }

    /** A finite number of zero or more, or the default. */
    float nonNegativeFloat(String suffix, float defaultValue) {
        float value = metadata.optionalFloat(key(suffix), defaultValue);
        return value == 0 ? 0 : checkAboveZero(suffix, value);
    }

    /** A finite factor; where the key is absent or, as some files have it, 0, the default. */
    float factor(String suffix, float defaultValue) {
        float value = nonNegativeFloat(suffix, 0);
        return value == 0 ? defaultValue : value;
    }

    boolean flag(String suffix, boolean defaultValue) {
        return metadata.optionalBoolean(key(suffix), defaultValue);
    }

    /** What a norm adds to the mean square or variance: above 0, and small. */
    float epsilon(String suffix) {
        float epsilon = metadata.requireFloat(key(suffix));
        if (!(epsilon > 0 && epsilon < 1)) {
            throw metadata.failure(key(suffix), "expected a number above 0 and below 1, found " + epsilon);
        }
        return epsilon;
    }

    float rmsEpsilon() {
        return epsilon("attention.layer_norm_rms_epsilon");
    }

    /** A number for each block: an array with an entry for each layer, or one number for all. */
    int[] perLayerInt(String suffix) {
        int[] values = perLayerInt(suffix, -1);
        if (!has(suffix)) {
            throw metadata.failure(key(suffix), "this key is missing and the model cannot be run without it");
        }
        return values;
    }

    /** Likewise, or the default. */
    int[] perLayerInt(String suffix, int defaultValue) {
        int[] values = new int[blockCount];
        if (metadata.get(key(suffix)) instanceof long[] array) {
            checkLength(suffix, array.length);
            for (int block = 0; block < blockCount; block++) {
                int entry = block < array.length ? block : layerCount - 1;
                if (array[entry] < 0 || array[entry] > Integer.MAX_VALUE) {
                    throw metadata.failure(key(suffix), "entry " + entry + " is " + array[entry]);
                }
                values[block] = (int) array[entry];
            }
        } else {
            Arrays.fill(values, has(suffix) ? count(suffix, 0) : defaultValue);
        }
        return values;
    }

    /** A float for each layer, or null when the key is absent. */
    float @Nullable [] perLayerFloat(String suffix) {
        float[] values = metadata.optionalFloats(key(suffix));
        if (values != null) {
            checkLength(suffix, values.length);
            for (int i = 0; i < values.length; i++) {
                if (!Float.isFinite(values[i])) {
                    throw metadata.failure(key(suffix), "expected finite numbers, found " + values[i] + " at " + i);
                }
            }
        }
        return values;
    }

    /** A number of a block: an entry of an array, or one number for all; the default where the key is absent. */
    float layerFloat(String suffix, int layer, float defaultValue) {
        boolean beyond =
                layer >= layerCount && metadata.get(key(suffix)) instanceof float[] array && layer >= array.length;
        return has(suffix) && !beyond ? layerNumber(key(suffix), layer) : defaultValue;
    }

    /** Likewise of a key without the architecture, which must be there. */
    float layerFloat(String key, int layer) {
        return layerNumber(key, layer);
    }

    private float layerNumber(String key, int layer) {
        float value = metadata.get(key) instanceof float[] array && layer < array.length
                ? array[layer]
                : metadata.requireFloat(key);
        if (!Float.isFinite(value)) {
            throw metadata.failure(key, "expected a finite number, found " + value);
        }
        return value;
    }

    void checkLength(String suffix, int length) {
        if (length < layerCount) {
            throw metadata.failure(
                    key(suffix), "expected an entry for each of " + layerCount + " layers, found " + length);
        }
    }

    /** Refuses a recurrent state that no model has, and that would take a memory the weights do not hint at. */
    void checkState(long width, int stateSize) {
        checkState("ssm.state_size", width, stateSize);
    }

    /** Likewise where another key has the size. */
    void checkState(String suffix, long width, int stateSize) {
        if (width > MAX_STATE / stateSize) {
            throw metadata.failure(
                    key(suffix),
                    "the recurrent state of a layer would have " + width + " times " + stateSize
                            + " elements; expected up to " + MAX_STATE);
        }
    }
}
