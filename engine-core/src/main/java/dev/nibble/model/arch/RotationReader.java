package dev.nibble.model.arch;

import dev.nibble.model.RopeConfig;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/** Which window and which rotation each layer has, by the file and the traits of the architecture. */
final class RotationReader {
    private final ModelReader reader;
    private final Traits traits;
    private final AttentionReader attentions;
    private final RopeReader ropes;
    private final int window;
    private final boolean[] windowed;
    private @Nullable RopeConfig fullRope;
    private @Nullable RopeConfig windowRope;

    RotationReader(ModelReader reader, Traits traits, AttentionReader attentions, RopeReader ropes) {
        this.reader = reader;
        this.traits = traits;
        this.attentions = attentions;
        this.ropes = ropes;
        int given = traits.windows ? reader.count(SideKeys.WINDOW, 0) : 0;
        window = given > 0 && traits.windowSize > 0 ? traits.windowSize : given;
        String pattern = SideKeys.WINDOW + "_pattern";
        if (window > 0 && traits.windowPeriod == 0 && !reader.has(pattern)) {
            throw reader.metadata.failure(
                    reader.key(pattern),
                    "this key is missing, and it is to say which layers have the window of the file");
        }
        windowed = window > 0
                ? windowedLayers(reader, traits.windowPeriod, traits.fullFirst)
                : new boolean[reader.blockCount];
        if (window > 0 && traits.predictsInWindow) {
            Arrays.fill(windowed, reader.layerCount, reader.blockCount, true);
        }
    }

    /** Positions that a query of the layer sees, 0 for all. */
    int window(int layer) {
        return windowed[layer] ? window : 0;
    }

    /** How the layer turns its queries and keys, null for not at all; the same object for layers that do it alike. */
    @Nullable RopeConfig rope(int layer) {
        boolean turns = switch (traits.rotated) {
            case ALL -> true;
            case WINDOWED -> window == 0 || windowed[layer];
            case NONE -> false;
        };
        return turns && traits.rotatedLayer.test(layer) ? turning(layer) : null;
    }

    /** How the layer turns if it does. */
    RopeConfig turning(int layer) {
        int headDim = attentions.headDim(layer);
        if (fullRope == null) {
            fullRope = onAxes(fullRope(headDim));
        }
        if (!windowed[layer]) {
            return fullRope;
        }
        if (windowRope == null) {
            windowRope = windowRope(fullRope, headDim);
        }
        return windowRope;
    }

    private RopeConfig fullRope(int headDim) {
        float stretch = traits.stretchedBase ? reader.nonNegativeFloat("rope.scaling.alpha", 0) : 0;
        if (stretch == 0) {
            return ropes.read(headDim);
        }
        int dims = reader.positive("rope.dimension_count", headDim);
        return ropes.read(dims, headDim, (float) (ropes.theta() * Math.pow(stretch, dims / (dims - 2.0))));
    }

    private RopeConfig windowRope(RopeConfig full, int headDim) {
        int dims = reader.positive("rope.dimension_count_swa", full.dims());
        float base = traits.windowBase > 0 ? traits.windowBase : full.theta();
        base = reader.positiveFloat("rope.freq_base_swa", base);
        if (traits.plainWindows) {
            return ropes.unscaled(dims, headDim, base).withMagnitude(1);
        }
        return dims == full.dims() && base == full.theta() ? full : ropes.read(dims, headDim, base);
    }

    private RopeConfig onAxes(RopeConfig rope) {
        return switch (traits.axes) {
            case NONE -> rope;
            case SECTION_BY_SECTION -> rope.withFrequencyFactors(RopeReader.axisFactors(reader, rope.dims()));
            case BY_TURNS -> rope.withFrequencyFactors(RopeReader.axisFactorsByTurns(reader, rope.dims()));
        };
    }

    /**
     * Which layers have a sliding window: the pattern in the file, an array or a period n of which one layer is full, else
     * {@code defaultPeriod}. Of blocks that predict only the array says so.
     *
     * @param fullFirst whether of a period the first layer is full, in place of the last
     */
    static boolean[] windowedLayers(ModelReader reader, int defaultPeriod, boolean fullFirst) {
        String suffix = SideKeys.WINDOW + "_pattern";
        boolean[] windowed = reader.metadata.get(reader.key(suffix)) instanceof Long || !reader.has(suffix)
                ? null
                : reader.metadata.optionalBooleans(reader.key(suffix));
        if (windowed != null) {
            reader.checkLength(suffix, windowed.length);
            return Arrays.copyOf(windowed, reader.blockCount);
        }
        int period = reader.has(suffix) ? reader.positive(suffix) : defaultPeriod;
        windowed = new boolean[reader.blockCount];
        for (int layer = 0; layer < reader.layerCount; layer++) {
            windowed[layer] = period > 0 && layer % period != (fullFirst ? 0 : period - 1);
        }
        return windowed;
    }
}
