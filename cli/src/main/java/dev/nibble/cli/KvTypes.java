package dev.nibble.cli;

import dev.nibble.KvCacheType;
import dev.nibble.KvCacheTypes;
import java.util.Arrays;
import java.util.Iterator;
import java.util.Locale;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Reads a type of KV cache, {@code q8_0}, or two for keys and values, {@code q8_0,q4_0}. */
final class KvTypes implements ITypeConverter<KvCacheTypes>, Iterable<String> {
    @Override
    public KvCacheTypes convert(String given) {
        int comma = given.indexOf(',');
        return comma < 0
                ? KvCacheTypes.of(type(given))
                : new KvCacheTypes(type(given.substring(0, comma)), type(given.substring(comma + 1)));
    }

    private static KvCacheType type(String name) {
        return Arrays.stream(KvCacheType.values())
                .filter(type -> type.name().equalsIgnoreCase(name))
                .findFirst()
                .orElseThrow(() -> new TypeConversionException("expected one of "
                        + Arrays.toString(KvCacheType.values()) + " (case-insensitive) but was '" + name + "'"));
    }

    @Override
    public Iterator<String> iterator() {
        return Arrays.stream(KvCacheType.values())
                .map(type -> type.name().toLowerCase(Locale.ROOT))
                .iterator();
    }
}
