package dev.nibble.benchmarks.compare;

import java.util.EnumMap;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** One run of one program: its metrics, and what it calls itself. */
record Report(String engine, Map<Metric, Double> values) {

    Report {
        values = Map.copyOf(values);
    }

    OptionalDouble value(Metric metric) {
        Double value = values.get(metric);
        return value == null ? OptionalDouble.empty() : OptionalDouble.of(value);
    }

    /** This report with one metric set. */
    Report with(Metric metric, double value) {
        Map<Metric, Double> changed = new EnumMap<>(Metric.class);
        changed.putAll(values);
        changed.put(metric, value);
        return new Report(engine, changed);
    }

    /** The metrics in those lines of an output that are flat JSON objects. */
    static Map<Metric, Double> metrics(String output) {
        Map<Metric, Double> found = new EnumMap<>(Metric.class);
        for (String line : jsonLines(output)) {
            for (Metric metric : Metric.values()) {
                if (metric.key().isEmpty()) {
                    continue;
                }
                number(line, metric.key()).ifPresent(value -> found.put(metric, metric.fromReport(value)));
            }
        }
        return found;
    }

    /** The numeric member {@code key} of a flat JSON object. */
    static OptionalDouble number(String json, String key) {
        Matcher matcher = Pattern.compile('"' + Pattern.quote(key) + "\"\\s*:\\s*(-?[0-9][-+.0-9eE]*)")
                .matcher(json);
        return matcher.find() ? OptionalDouble.of(Double.parseDouble(matcher.group(1))) : OptionalDouble.empty();
    }

    static Iterable<String> jsonLines(String output) {
        return output.lines()
                .map(String::strip)
                .filter(line -> line.startsWith("{"))
                .toList();
    }
}
