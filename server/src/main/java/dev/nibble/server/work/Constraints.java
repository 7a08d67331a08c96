package dev.nibble.server.work;

import dev.nibble.constraint.Constraint;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/** Compiled constraints, kept as clients send the same ones again and much is found out while one is used. Thread-safe. */
public final class Constraints {
    private static final int MOST = 64;

    private static final Map<List<String>, Constraint> KEPT = new LinkedHashMap<>(16, 0.75f, true);

    private Constraints() {}

    /** As {@link Constraint#jsonSchema}. */
    public static Constraint jsonSchema(String schema) {
        return kept(List.of("schema", schema), () -> Constraint.jsonSchema(schema));
    }

    /** Any JSON object. */
    public static Constraint jsonObject() {
        return kept(List.of("object"), Constraint::jsonObject);
    }

    /** As {@link Constraint#grammar}. */
    public static Constraint grammar(String gbnf) {
        return kept(List.of("grammar", gbnf), () -> Constraint.grammar(gbnf));
    }

    /** As {@link Constraint#regex}. */
    public static Constraint regex(String pattern) {
        return kept(List.of("regex", pattern), () -> Constraint.regex(pattern));
    }

    /** As {@link Constraint#choices}. */
    public static Constraint choices(List<String> texts) {
        return Constraint.choices(texts);
    }

    private static Constraint kept(List<String> key, Supplier<Constraint> making) {
        synchronized (KEPT) {
            Constraint known = KEPT.get(key);
            if (known != null) {
                return known;
            }
        }
        Constraint made = making.get(); // may take long: not under the lock
        synchronized (KEPT) {
            KEPT.put(key, made);
            if (KEPT.size() > MOST) {
                KEPT.remove(KEPT.keySet().iterator().next());
            }
        }
        return made;
    }
}
