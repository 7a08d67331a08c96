package dev.nibble.constraint;

import dev.nibble.json.JsonReader;
import dev.nibble.json.JsonValues;
import java.lang.reflect.AnnotatedElement;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.GenericArrayType;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Modifier;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * One walk of a type, for its {@link TypeMapping}. Definitions of records are made once, so that they may hold themselves.
 */
final class TypeWalk {
    /** Makes a value of a type from JSON; {@code path} is where it stands, for messages. */
    interface Decoder {
        @Nullable Object decode(Object json, String path);
    }

    /** The schema of a type and the way back. */
    record Mapping(Map<String, Object> schema, Decoder decoder) {}

    private final Map<String, Object> definitions = new LinkedHashMap<>();
    private final Map<Class<?>, Mapping> named = new LinkedHashMap<>();

    /** The definitions that schemas refer to. */
    Map<String, Object> definitions() {
        return definitions;
    }

    Mapping map(Type type, @Nullable AnnotatedElement at, String path) {
        if (type instanceof ParameterizedType generic) {
            return generic(generic, at, path);
        }
        if (type instanceof GenericArrayType array) {
            return array(map(array.getGenericComponentType(), null, path + "[]"), rawComponent(array), at);
        }
        if (!(type instanceof Class<?> raw)) {
            throw TypeMapping.unsupported(path, type, "it is no class");
        }
        Mapping scalar = TypeScalars.isScalar(raw)
                ? new Mapping(TypeScalars.schema(raw, at, path), (json, where) -> TypeScalars.decode(raw, json, where))
                : null;
        if (scalar != null) {
            return scalar;
        }
        if (raw.isArray()) {
            return array(map(raw.getComponentType(), null, path + "[]"), raw.getComponentType(), at);
        }
        if (raw.isEnum()) {
            return enumeration(raw);
        }
        if (raw.isRecord() || raw.isInterface() && raw.isSealed()) {
            return named(raw, path);
        }
        throw TypeMapping.unsupported(
                path,
                raw,
                "only records, enums, sealed interfaces of records, numbers, booleans, strings, dates and"
                        + " times, Optional, List, Set, Map and arrays of these are supported");
    }

    private Mapping generic(ParameterizedType type, @Nullable AnnotatedElement at, String path) {
        Class<?> raw = (Class<?>) type.getRawType();
        Type[] arguments = type.getActualTypeArguments();
        if (raw == Optional.class) {
            return optional(map(arguments[0], at, path), Optional::of, Optional.empty());
        }
        if (raw == List.class || raw == Collection.class || raw == Iterable.class) {
            Mapping item = map(arguments[0], null, path + "[]");
            return new Mapping(
                    TypeScalars.sized(items(item), "Items", at),
                    (json, where) -> Collections.unmodifiableList(decodeAll(item, json, where)));
        }
        if (raw == Set.class) {
            Mapping item = map(arguments[0], null, path + "[]");
            Map<String, Object> schema = TypeScalars.sized(items(item), "Items", at);
            schema.put("uniqueItems", true);
            try {
                Constraint.jsonSchema(JsonValues.write(withDefinitions(schema)));
            } catch (ConstraintException e) {
                throw TypeMapping.unsupported(
                        path,
                        type,
                        "that no two items are equal can only be enforced for enums of a few constants;"
                                + " use a List");
            }
            return new Mapping(
                    schema,
                    (json, where) -> Collections.unmodifiableSet(new LinkedHashSet<>(decodeAll(item, json, where))));
        }
        if (raw == Map.class && arguments[0] == String.class) {
            Mapping value = map(arguments[1], null, path + "{}");
            Map<String, Object> schema = new LinkedHashMap<>();
            schema.put("type", "object");
            schema.put("additionalProperties", value.schema);
            return new Mapping(TypeScalars.sized(schema, "Properties", at), (json, where) -> {
                Map<String, Object> result = new LinkedHashMap<>();
                members(json, where)
                        .forEach((name, member) -> result.put(name, value.decoder.decode(member, where + "." + name)));
                return Collections.unmodifiableMap(result);
            });
        }
        throw TypeMapping.unsupported(
                path,
                type,
                "of generic types only Optional, List, Collection, Set and Map with names as keys are" + " supported");
    }

    private Map<String, Object> withDefinitions(Map<String, Object> schema) {
        Map<String, Object> whole = new LinkedHashMap<>(schema);
        whole.put("$defs", definitions);
        return whole;
    }

    private static Map<String, Object> items(Mapping item) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "array");
        schema.put("items", item.schema);
        return schema;
    }

    private static List<Object> decodeAll(Mapping item, Object json, String where) {
        if (!(json instanceof List<?> list)) {
            throw TypeMapping.wrong(where, "an array", json);
        }
        List<Object> items = new ArrayList<>();
        for (int i = 0; i < list.size(); i++) {
            items.add(item.decoder.decode(list.get(i), where + "[" + i + "]"));
        }
        return items;
    }

    /** The class of the items of an array of a generic type. */
    private static Class<?> rawComponent(GenericArrayType array) {
        Type component = array.getGenericComponentType();
        return component instanceof ParameterizedType generic
                ? (Class<?>) generic.getRawType()
                : rawComponent((GenericArrayType) component).arrayType();
    }

    private static Mapping array(Mapping item, Class<?> component, @Nullable AnnotatedElement at) {
        return new Mapping(TypeScalars.sized(items(item), "Items", at), (json, where) -> {
            List<Object> items = decodeAll(item, json, where);
            Object array = Array.newInstance(component, items.size());
            for (int i = 0; i < items.size(); i++) {
                Array.set(array, i, items.get(i));
            }
            return array;
        });
    }

    private static Mapping optional(Mapping mapping, Function<Object, Object> present, @Nullable Object absent) {
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("anyOf", List.of(mapping.schema, Map.of("type", "null")));
        return new Mapping(schema, (json, where) -> {
            Object value = json == JsonReader.NULL ? null : mapping.decoder.decode(json, where);
            return value == null ? absent : present.apply(value);
        });
    }

    private static Mapping enumeration(Class<?> type) {
        Map<String, Object> constants = new LinkedHashMap<>();
        for (Object constant : type.getEnumConstants()) {
            String name = ((Enum<?>) constant).name();
            try {
                constants.put(written(type.getField(name), name), constant);
            } catch (NoSuchFieldException e) {
                throw new IllegalStateException(e);
            }
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("enum", List.copyOf(constants.keySet()));
        describe(schema, type);
        return new Mapping(schema, (json, where) -> {
            Object constant = constants.get(String.valueOf(json));
            if (constant == null || !(json instanceof String)) {
                throw TypeMapping.wrong(where, "one of " + constants.keySet(), json);
            }
            return constant;
        });
    }

    /** A record or sealed interface: a definition, and a reference to it. */
    private Mapping named(Class<?> type, String path) {
        Mapping known = named.get(type);
        if (known == null) {
            String name = definitionName(type);
            Map<String, Object> definition = new LinkedHashMap<>();
            definitions.put(name, definition);
            Map<String, Object> reference = Map.of("$ref", "#/$defs/" + name);
            Decoder[] later = new Decoder[1];
            known = new Mapping(reference, (json, where) -> later[0].decode(json, where));
            named.put(type, known);
            Mapping mapping = type.isRecord() ? record(type, null, path) : sealed(type, path);
            definition.putAll(mapping.schema);
            later[0] = mapping.decoder;
        }
        return known;
    }

    private String definitionName(Class<?> type) {
        String name = type.getSimpleName();
        for (int i = 2; definitions.containsKey(name); i++) {
            name = type.getSimpleName() + i;
        }
        return name;
    }

    private Mapping sealed(Class<?> type, String path) {
        Map<String, Mapping> kinds = new LinkedHashMap<>();
        collect(type, kinds, path);
        Map<String, Object> schema = new LinkedHashMap<>();
        describe(schema, type);
        schema.put("anyOf", kinds.values().stream().map(Mapping::schema).toList());
        return new Mapping(schema, (json, where) -> {
            Mapping kind = kinds.get(String.valueOf(members(json, where).get("type")));
            if (kind == null) {
                throw TypeMapping.wrong(where + ".type", "one of " + kinds.keySet(), json);
            }
            return kind.decoder.decode(json, where);
        });
    }

    private void collect(Class<?> type, Map<String, Mapping> kinds, String path) {
        for (Class<?> permitted : type.getPermittedSubclasses()) {
            if (permitted.isRecord()) {
                String name = written(permitted, permitted.getSimpleName());
                if (kinds.put(name, record(permitted, name, path + "/" + name)) != null) {
                    throw TypeMapping.unsupported(path, type, "two of its types are called " + name + "; use @Named");
                }
            } else if (permitted.isSealed() && permitted.isInterface()) {
                collect(permitted, kinds, path);
            } else {
                throw TypeMapping.unsupported(path, permitted, "a sealed interface may permit records only");
            }
        }
    }

    private Mapping record(Class<?> type, @Nullable String kind, String path) {
        Map<String, Object> properties = new LinkedHashMap<>();
        if (kind != null) {
            properties.put("type", Map.of("const", kind));
        }
        RecordComponent[] components = type.getRecordComponents();
        Map<String, Mapping> mappings = new LinkedHashMap<>();
        for (RecordComponent component : components) {
            String name = written(component, component.getName());
            String where = path + "." + component.getName();
            Mapping mapping = map(component.getGenericType(), component, where);
            if (isNullable(component) && component.getType() != Optional.class) {
                mapping = optional(mapping, value -> value, null);
            }
            Map<String, Object> schema = new LinkedHashMap<>(mapping.schema);
            describe(schema, component);
            if (properties.put(name, schema) != null) {
                throw TypeMapping.unsupported(where, type, "two members are called " + name + "; use @Named");
            }
            mappings.put(name, mapping);
        }
        Map<String, Object> schema = new LinkedHashMap<>();
        schema.put("type", "object");
        describe(schema, type);
        schema.put("properties", properties);
        schema.put("required", List.copyOf(properties.keySet()));
        schema.put("additionalProperties", false);
        Constructor<?> constructor = constructor(type, components);
        return new Mapping(schema, (json, where) -> {
            Map<String, Object> members = members(json, where);
            List<Object> arguments = new ArrayList<>();
            mappings.forEach((name, mapping) -> {
                Object member = members.get(name);
                if (member == null) {
                    throw TypeMapping.wrong(where, "the member " + name, json);
                }
                arguments.add(mapping.decoder.decode(member, where + "." + name));
            });
            return make(constructor, arguments, where);
        });
    }

    private static Constructor<?> constructor(Class<?> type, RecordComponent[] components) {
        try {
            Constructor<?> constructor = type.getDeclaredConstructor(
                    Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
            if (!Modifier.isPublic(constructor.getModifiers()) || !Modifier.isPublic(type.getModifiers())) {
                constructor.setAccessible(true);
            }
            return constructor;
        } catch (NoSuchMethodException e) {
            throw new IllegalStateException(e);
        } catch (InaccessibleObjectException e) {
            throw new ConstraintException("the constructor of " + type.getName()
                    + " cannot be called: make the record public in" + " an exported package, or add 'opens "
                    + type.getPackageName() + " to dev.nibble.core' to its module");
        }
    }

    private static Object make(Constructor<?> constructor, List<Object> arguments, String where) {
        try {
            return constructor.newInstance(arguments.toArray());
        } catch (InvocationTargetException e) {
            throw new ConstraintException(
                    where + ": " + constructor.getDeclaringClass().getSimpleName() + " refuses the value: "
                            + e.getCause(),
                    e);
        } catch (ReflectiveOperationException e) {
            throw new ConstraintException(
                    where + ": the constructor of "
                            + constructor.getDeclaringClass().getName() + " cannot be called: " + e.getMessage(),
                    e);
        }
    }

    private static String written(AnnotatedElement element, String name) {
        Named named = element.getAnnotation(Named.class);
        return named == null ? name : named.value();
    }

    private static void describe(Map<String, Object> schema, AnnotatedElement element) {
        Description description = element.getAnnotation(Description.class);
        if (description != null) {
            schema.put("description", description.value());
        }
    }

    /** Whether an annotation named Nullable, of any library, is on the component or its type. */
    private static boolean isNullable(RecordComponent component) {
        return java.util.stream.Stream.concat(
                        Arrays.stream(component.getAnnotations()),
                        Arrays.stream(component.getAnnotatedType().getAnnotations()))
                .anyMatch(annotation ->
                        annotation.annotationType().getSimpleName().equals("Nullable"));
    }

    static Map<String, Object> members(Object json, String where) {
        if (!(json instanceof Map<?, ?> map)) {
            throw TypeMapping.wrong(where, "an object", json);
        }
        Map<String, Object> members = new LinkedHashMap<>();
        map.forEach((name, value) -> members.put((String) name, value));
        return members;
    }
}
