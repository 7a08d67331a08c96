package dev.nibble.model.arch;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;

/** Architectures that their traits describe in full: a name, and what it does otherwise than Llama. */
abstract class TraitTable implements Decoder.Family {
    private final Map<String, Function<ModelReader, Traits>> rows = new LinkedHashMap<>();

    /** An architecture whose traits are the same for all files. */
    final void row(String name, Traits traits) {
        rows.put(name, reader -> traits);
    }

    /** An architecture whose traits depend on the file. */
    final void row(String name, Function<ModelReader, Traits> traits) {
        rows.put(name, traits);
    }

    @Override
    public final List<String> names() {
        return List.copyOf(rows.keySet());
    }

    @Override
    public final Decoder decoder(ModelReader reader) {
        return new Decoder(
                reader, Objects.requireNonNull(rows.get(reader.architecture)).apply(reader));
    }
}
