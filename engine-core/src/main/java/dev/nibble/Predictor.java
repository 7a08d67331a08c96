package dev.nibble;

import dev.nibble.generate.PredictionDrafter;
import dev.nibble.generate.TokenContext;
import dev.nibble.model.Model;
import dev.nibble.model.PredictionBlock;
import dev.nibble.spi.ForwardPass;
import org.jspecify.annotations.Nullable;

/**
 * The first block of a model that predicts further tokens, compiled when a session first guesses with it and closed with the model.
 * Thread-safe.
 */
final class Predictor {
    private final Loaded loaded;
    private final LoadOptions options;
    private @Nullable ForwardPass pass; // guarded by this

    Predictor(Loaded loaded, LoadOptions options) {
        this.loaded = loaded;
        this.options = options;
    }

    /**
     * Guesses for a session, within a call of it.
     *
     * @throws UnsupportedModelException if the model has no block that can
     * @throws OutOfMemoryException if there is no memory for it
     */
    PredictionDrafter drafter(TokenContext context) {
        Model model = loaded.model();
        if (model.predictionBlocks().isEmpty()) {
            throw failure("the file has no blocks that predict further tokens (nextn)");
        }
        PredictionBlock block = model.predictionBlocks().getFirst();
        Model alone = block.alone(model);
        if (alone == null) {
            throw failure("its blocks that predict further tokens cannot be evaluated by this version");
        }
        try {
            return new PredictionDrafter(
                    context, () -> compiled(alone), model.config().hiddenSize(), block.readsNormed());
        } catch (UnsupportedOperationException e) {
            throw failure(e.getMessage() + " (" + loaded.backend().description() + ")");
        }
    }

    private synchronized ForwardPass compiled(Model block) {
        ForwardPass there = pass;
        if (there != null) {
            return there;
        }
        TakenMemory taken = loaded.add(TakenMemory.of(options.engine().orElseGet(Engine::shared)));
        try {
            String what = loaded.source().name() + ": the block that predicts further tokens";
            taken.take(ModelLoader.plannedBytes(loaded.backend(), block), what);
            ForwardPass compiled = loaded.add(loaded.backend().compile(block));
            pass = compiled;
            return compiled;
        } finally {
            if (pass == null) {
                loaded.close(taken);
            }
        }
    }

    private UnsupportedModelException failure(String problem) {
        return new UnsupportedModelException(
                loaded.source().name() + ": " + problem + "; generate with another Speculation");
    }
}
