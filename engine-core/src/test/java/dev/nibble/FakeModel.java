package dev.nibble;

import dev.nibble.generate.SamplingDefaults;
import dev.nibble.memory.SystemMemory;
import dev.nibble.model.Metadata;
import dev.nibble.model.Model;
import dev.nibble.model.ModelConfig;
import dev.nibble.model.ModelSource;
import dev.nibble.spi.Backend;
import dev.nibble.spi.ForwardPass;
import dev.nibble.tensor.DType;
import dev.nibble.tensor.Shape;
import dev.nibble.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;

/** Puts a {@link LanguageModel} together from fakes. */
final class FakeModel {
    final FakeForwardPass pass = new FakeForwardPass(ByteTokenizer.SIZE);
    final Map<String, Object> metadata = new HashMap<>();
    ByteTokenizer tokenizer = new ByteTokenizer(true);
    SystemMemory memory = new SystemMemory();
    LoadOptions options = LoadOptions.DEFAULT;
    int contextLength = 200;
    /** What was closed, in this order. */
    final List<String> closings = new CopyOnWriteArrayList<>();
    /** Which of {@code pass}, {@code backend} and {@code source} fails to close. */
    String failing = "";

    /** Makes the model continue every prompt of {@code promptTokens} tokens with the bytes of a text, then end. */
    FakeModel continuing(int promptTokens, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        pass.next = tokens -> {
            int index = tokens.size() - promptTokens;
            return index >= 0 && index < bytes.length ? bytes[index] & 0xff : ByteTokenizer.EOS;
        };
        return this;
    }

    LanguageModel open() {
        ModelConfig config = new ModelConfig("fake", ByteTokenizer.SIZE, contextLength, 8, 1, 1, 1, 0);
        OpenParts open = new OpenParts();
        Source source = open.add(new Source(new Metadata("fake.gguf", metadata)));
        Backend backend = open.add(new FakeBackend());
        open.add(pass);
        pass.onClose = () -> closed("pass");
        Loaded loaded = new Loaded(source, model(config), tokenizer, backend, pass, open);
        return new LanguageModel(loaded, options, SamplingDefaults.read(source.metadata()), memory);
    }

    /** Only its dimensions are asked for. */
    static Model model(ModelConfig config) {
        Tensor one = new Tensor("one", DType.F32, Shape.of(1, 1), MemorySegment.ofArray(new float[1]));
        return new Model(config, one, null, List.of(), null, null, Model.Pooling.NONE, List.of());
    }

    private void closed(String part) {
        closings.add(part);
        if (part.equals(failing)) {
            throw new IllegalStateException("closing the " + part);
        }
    }

    private final class Source implements ModelSource {
        private final Metadata pairs;

        Source(Metadata pairs) {
            this.pairs = pairs;
        }

        @Override
        public String name() {
            return "fake.gguf";
        }

        @Override
        public Metadata metadata() {
            return pairs;
        }

        @Override
        public Collection<Tensor> tensors() {
            return List.of();
        }

        @Override
        public Optional<Tensor> tensor(String name) {
            return Optional.empty();
        }

        @Override
        public void close() {
            closed("source");
        }
    }

    private final class FakeBackend implements Backend {
        @Override
        public String description() {
            return "fake backend";
        }

        @Override
        public ForwardPass compile(Model model) {
            return pass;
        }

        @Override
        public void close() {
            closed("backend");
        }
    }
}
