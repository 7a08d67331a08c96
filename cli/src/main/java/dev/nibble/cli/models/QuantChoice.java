package dev.nibble.cli.models;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Chooses the files of one model among those of a repository, by the rules of {@code llama.cpp -hf}. */
final class QuantChoice {
    private static final List<String> PREFERRED = List.of("Q4_K_M", "Q8_0");
    private static final Pattern SPLIT = Pattern.compile("(.*)-(\\d{5})-of-(\\d{5})\\.gguf");
    private static final Pattern ADAPTER = Pattern.compile("(?<![a-z])(lora|adapter)(?![a-z])");

    private QuantChoice() {}

    /**
     * The files to have for {@code quant}, the first of a split model first; empty if there are none.
     *
     * @param paths all files of the repository
     * @param quant a quantization, a file name, or null for the preferred ones, else any
     */
    static List<String> choose(List<String> paths, @Nullable String quant) {
        List<String> models = models(paths);
        if (quant == null) {
            // What is named like an adapter is had only by its name: alone it is no model.
            List<String> whole =
                    models.stream().filter(path -> !isAdapter(path)).toList();
            for (String preferred : PREFERRED) {
                List<String> found = choose(whole, preferred);
                if (!found.isEmpty()) {
                    return found;
                }
            }
            return whole.stream().findFirst().map(first -> parts(first, models)).orElse(List.of());
        }
        if (models.contains(quant)) {
            return parts(quant, models);
        }
        Optional<String> first =
                models.stream().filter(path -> matches(path, quant)).findFirst();
        return first.map(path -> parts(path, models)).orElse(List.of());
    }

    /** The files to give a name to, each of which {@link #choose} finds by it: of a split model the first. */
    static List<String> firstFiles(List<String> paths) {
        List<String> models = models(paths);
        return models.stream()
                .filter(path -> parts(path, models).stream().findFirst().equals(Optional.of(path)))
                .toList();
    }

    /** The names of the models among the files, for a message. */
    static String describe(List<String> paths) {
        List<String> models = paths.stream().filter(QuantChoice::isModel).toList();
        if (!models.isEmpty()) {
            String adapters = models.stream().allMatch(QuantChoice::isAdapter) ? "only adapters by their names, " : "";
            return adapters + some(models);
        }
        List<String> others =
                paths.stream().filter(path -> fileName(path).endsWith(".gguf")).toList();
        return others.isEmpty()
                ? "no .gguf file"
                : "only .gguf files that are no models but belong to one (projectors, calibrations, drafts): "
                        + some(others);
    }

    private static String some(List<String> paths) {
        return paths.stream().limit(30).collect(Collectors.joining(", ")) + (paths.size() > 30 ? ", ..." : "");
    }

    private static List<String> models(List<String> paths) {
        return paths.stream()
                .filter(QuantChoice::isModel)
                .sorted(Comparator.comparing(QuantChoice::isAdapter)
                        .thenComparingInt(QuantChoice::depth)
                        .thenComparing(Comparator.naturalOrder()))
                .toList();
    }

    /** Whether the name is one that adapters have; merged models may have it too. */
    private static boolean isAdapter(String path) {
        return ADAPTER.matcher(fileName(path)).find();
    }

    /** Whether the path is of a model that generates text, not of a projector, draft or calibration file. */
    private static boolean isModel(String path) {
        String name = fileName(path);
        return name.endsWith(".gguf")
                && !name.contains("mmproj")
                && !name.contains("imatrix")
                && !name.startsWith("mtp-")
                && !name.startsWith("eagle3-");
    }

    private static boolean matches(String path, String quant) {
        String name = fileName(path);
        String wanted = quant.toLowerCase(Locale.ROOT);
        if (wanted.endsWith(".gguf")) {
            return path.equalsIgnoreCase(quant) || name.equals(wanted);
        }
        int at = name.indexOf(wanted);
        while (at >= 0) {
            int end = at + wanted.length();
            // IQ4_XS is not Q4_XS, Q4_K_M is not Q4_K.
            boolean starts = at == 0 || !Character.isLetterOrDigit(name.charAt(at - 1));
            boolean ends = end < name.length() && (name.charAt(end) == '.' || name.charAt(end) == '-');
            if (starts && ends) {
                return true;
            }
            at = name.indexOf(wanted, at + 1);
        }
        return false;
    }

    /** All parts of the model that {@code path} is a part of; none if one is missing. */
    private static List<String> parts(String path, List<String> models) {
        Matcher matcher = SPLIT.matcher(path);
        if (!matcher.matches()) {
            return List.of(path);
        }
        int count = Integer.parseInt(matcher.group(3));
        List<String> parts = new ArrayList<>();
        for (int part = 1; part <= count && parts.size() == part - 1; part++) {
            String name = String.format(Locale.ROOT, "%s-%05d-of-%05d.gguf", matcher.group(1), part, count);
            if (models.contains(name)) {
                parts.add(name);
            }
        }
        return parts.size() == count ? parts : List.of();
    }

    private static int depth(String path) {
        return (int) path.chars().filter(c -> c == '/').count();
    }

    private static String fileName(String path) {
        return path.substring(path.lastIndexOf('/') + 1).toLowerCase(Locale.ROOT);
    }
}
