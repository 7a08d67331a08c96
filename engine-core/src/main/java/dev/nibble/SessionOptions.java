package dev.nibble;

import dev.nibble.OptionValues.Option;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;

/** How a session is opened. Immutable; start from {@link #DEFAULT} and set what differs from how the model was loaded. */
public final class SessionOptions {
    private static final Option<OptionalInt> CONTEXT_LENGTH = new Option<>("contextLength", OptionalInt.empty());
    private static final Option<Optional<KvCacheTypes>> KV_CACHE_TYPE = new Option<>("kvCacheType", Optional.empty());

    private static final Option<Boolean> PRIVATE = new Option<>("private", false);
    private static final Option<Priority> PRIORITY = new Option<>("priority", Priority.NORMAL);
    private static final Option<Optional<Map<String, Float>>> ADAPTERS = new Option<>("adapters", Optional.empty());

    /** As the model was loaded. */
    public static final SessionOptions DEFAULT = new SessionOptions(OptionValues.NONE);

    private final OptionValues values;

    private SessionOptions(OptionValues values) {
        this.values = values;
    }

    /** Tokens the session can hold; empty for what {@link LoadOptions#contextLength()} says. */
    public OptionalInt contextLength() {
        return values.get(CONTEXT_LENGTH);
    }

    /** 1 token or more. */
    public SessionOptions withContextLength(int value) {
        return new SessionOptions(values.withAtLeast(CONTEXT_LENGTH, value, 1));
    }

    /** How it keeps keys, and values unless {@link #kvCacheTypes()} says otherwise; empty for what the model was loaded with. */
    public Optional<KvCacheType> kvCacheType() {
        return kvCacheTypes().map(KvCacheTypes::keys);
    }

    /** How it keeps keys and values; empty for what {@link LoadOptions#kvCacheTypes()} says. */
    public Optional<KvCacheTypes> kvCacheTypes() {
        return values.get(KV_CACHE_TYPE);
    }

    /** The type in which keys and values are kept. */
    public SessionOptions withKvCacheType(KvCacheType value) {
        return withKvCacheTypes(KvCacheTypes.of(Objects.requireNonNull(value, KV_CACHE_TYPE.name())));
    }

    /** The type in which keys are kept, and that of values. */
    public SessionOptions withKvCacheTypes(KvCacheType keys, KvCacheType values) {
        return withKvCacheTypes(new KvCacheTypes(keys, values));
    }

    /** The types in which keys and values are kept. */
    public SessionOptions withKvCacheTypes(KvCacheTypes value) {
        return new SessionOptions(
                values.with(KV_CACHE_TYPE, Optional.of(Objects.requireNonNull(value, KV_CACHE_TYPE.name()))));
    }

    /** Whether it shares nothing with other sessions. */
    public boolean isPrivate() {
        return values.get(PRIVATE);
    }

    /**
     * True for a session that takes nothing from what other sessions evaluated and leaves nothing to them: its KV cache is erased when
     * it is freed. Its {@linkplain Session#fork() forks} are private too, and share with it alone.
     */
    public SessionOptions withPrivate(boolean value) {
        return new SessionOptions(values.with(PRIVATE, value));
    }

    /** Which sessions go first. */
    public Priority priority() {
        return values.get(PRIORITY);
    }

    /** Who goes first where sessions are evaluated at the same time and not all fit into a batch; its forks have the same. */
    public SessionOptions withPriority(Priority value) {
        return new SessionOptions(values.with(PRIORITY, Objects.requireNonNull(value, PRIORITY.name())));
    }

    /** The scale of each adapter that counts, by its name; empty for what {@link LoadOptions#adapters()} says. */
    public Optional<Map<String, Float>> adapters() {
        return values.get(ADAPTERS);
    }

    /** As {@link #withAdapter(String, float)}, as the adapter was trained. */
    public SessionOptions withAdapter(String name) {
        return withAdapter(name, 1);
    }

    /**
     * Only the adapters that are named here count, one more with each call. Sessions with different adapters share the
     * weights of the model, and are evaluated together.
     *
     * @param name of one that {@link LoadOptions#withAdapter} loaded
     * @param scale what it adds is multiplied by this
     */
    public SessionOptions withAdapter(String name, float scale) {
        Map<String, Float> chosen = new LinkedHashMap<>(adapters().orElse(Map.of()));
        chosen.put(Objects.requireNonNull(name, "name"), AdapterFile.requireScale(scale));
        return new SessionOptions(values.with(ADAPTERS, Optional.of(Collections.unmodifiableMap(chosen))));
    }

    /** No adapter counts: the session is one of the base model. */
    public SessionOptions withoutAdapters() {
        return new SessionOptions(values.with(ADAPTERS, Optional.of(Map.of())));
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof SessionOptions options && values.equals(options.values);
    }

    @Override
    public int hashCode() {
        return values.hashCode();
    }

    /** The options that were set. */
    @Override
    public String toString() {
        return values.describe(SessionOptions.class);
    }
}
