package dev.nibble.benchmarks.compare;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;

/** A row for each metric: the median of each program, and of the ratio of the first program to the second. */
record Table(List<Engine> engines, List<List<Report>> rounds) {

    void print(PrintStream out) {
        StringBuilder header = new StringBuilder(String.format("%-24s", ""));
        for (Engine engine : engines) {
            header.append(String.format("%-30s", engine.name()));
        }
        if (engines.size() == 2) {
            header.append(engines.get(0).name())
                    .append(" / ")
                    .append(engines.get(1).name());
        }
        out.println(header.toString().stripTrailing());
        for (Metric metric : Metric.values()) {
            StringBuilder row = new StringBuilder(String.format("%-24s", metric.label()));
            for (int column = 0; column < engines.size(); column++) {
                row.append(String.format("%-30s", cell(values(metric, column), 1)));
            }
            if (engines.size() == 2) {
                row.append(cell(ratios(metric), 2));
            }
            out.println(row.toString().stripTrailing());
        }
    }

    private static String cell(double[] values, int decimals) {
        return values.length == 0 ? "-" : Summary.of(values).format(decimals);
    }

    private double[] values(Metric metric, int column) {
        return rounds.stream()
                .map(round -> round.get(column).value(metric))
                .flatMapToDouble(OptionalDouble::stream)
                .toArray();
    }

    /** The ratio within each round, where both programs met the same state of the machine. */
    double[] ratios(Metric metric) {
        List<Double> ratios = new ArrayList<>();
        for (List<Report> round : rounds) {
            OptionalDouble first = round.get(0).value(metric);
            OptionalDouble second = round.get(1).value(metric);
            if (first.isPresent() && second.isPresent()) {
                ratios.add(first.getAsDouble() / second.getAsDouble());
            }
        }
        return ratios.stream().mapToDouble(Double::doubleValue).toArray();
    }
}
