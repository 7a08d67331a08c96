package dev.nibble.gguf;

import dev.nibble.ModelFormatException;
import dev.nibble.NibbleException;
import dev.nibble.UnsupportedModelException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.Locale;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What a file that is no GGUF file seems to be, told by how it begins. */
final class ForeignFile {
    /** Long enough to reach the mark of a tar file. */
    private static final int HEAD_BYTES = 512;

    private static final String CONVERT = "use a GGUF file of the model, or convert it with llama.cpp";

    /** Who writes ONNX files puts its name behind the version. */
    private static final Pattern ONNX = Pattern.compile("(?i)onnx|pytorch|torch|paddle|keras|optimum");

    private record Kind(String found, String remedy) {}

    private ForeignFile() {}

    /** The exception for a file whose first bytes are not {@code GGUF}. */
    static NibbleException refusal(String name, MemorySegment data) {
        byte[] head = data.asSlice(0, Math.min(HEAD_BYTES, data.byteSize())).toArray(ValueLayout.JAVA_BYTE);
        String magic = new String(head, 0, Math.min(4, head.length), StandardCharsets.ISO_8859_1);
        Kind old = oldGgml(magic);
        if (old != null) {
            return new UnsupportedModelException(message(name, old));
        }
        Kind kind = kind(head, magic, new String(head, StandardCharsets.ISO_8859_1));
        return new ModelFormatException(message(name, kind));
    }

    private static String message(String name, Kind kind) {
        return name + ": byte 0, the magic: expected 'GGUF', found " + kind.found + "; " + kind.remedy;
    }

    /** The formats before GGUF; the magic is an integer, so its letters stand in reverse. */
    private static @Nullable Kind oldGgml(String magic) {
        String letters = new StringBuilder(magic).reverse().toString();
        return switch (letters) {
            case "ggml", "ggmf", "ggjt", "ggla", "ggsn" ->
                new Kind(
                        "a file of the older format '" + letters + "'",
                        "download a GGUF conversion of the model, this format is out of use since 2023");
            case "GGUF" ->
                new Kind("a GGUF file in reversed byte order", "download the little-endian conversion of the model");
            default -> null;
        };
    }

    private static Kind kind(byte[] head, String magic, String text) {
        String start = text.stripLeading().toLowerCase(Locale.ROOT);
        if (head.length < 4) {
            return new Kind("a file of " + head.length + " bytes", "download the file again");
        }
        if (isZero(head)) {
            return new Kind("zero bytes", "its download seems not to have finished; download the file again");
        }
        if (start.startsWith("version https://git-lfs")) {
            return new Kind(
                    "a Git LFS pointer, which stands for the real file",
                    "run 'git lfs pull' in its repository, or download the file itself");
        }
        if (start.matches("(?s)<(!doctype|html|head|body|!--|\\?xml).*")) {
            return new Kind(
                    "a web page (HTML or XML)",
                    "the download link led to a page, perhaps one that asks to log in; download the file itself");
        }
        if (text.length() > 9 && text.charAt(8) == '{' && text.charAt(6) == 0 && text.charAt(7) == 0) {
            return new Kind("a safetensors file", CONVERT);
        }
        if (start.startsWith("{") || start.startsWith("[")) {
            return new Kind("JSON text", "pass the path of the model file itself");
        }
        if (magic.startsWith("PK")) {
            return new Kind("a zip archive (perhaps a PyTorch checkpoint)", "unpack it, or " + CONVERT);
        }
        if (head[0] == (byte) 0x80 && head[1] >= 2 && head[1] <= 5) {
            return new Kind("a Python pickle (perhaps a PyTorch checkpoint)", CONVERT);
        }
        if (magic.startsWith("\u0089HDF")) {
            return new Kind("an HDF5 file", CONVERT);
        }
        if (isCompressed(magic, text)) {
            return new Kind("a compressed file or archive", "unpack it first");
        }
        if (text.startsWith("MZqFpD") || text.startsWith("jartsr")) {
            return new Kind(
                    "a llamafile, a program with a model inside",
                    "it is a zip archive too: unpack the .gguf file from it, or download that of the model");
        }
        if (magic.startsWith("MZ") || magic.equals("\u007fELF") || magic.equals("\u00cf\u00fa\u00ed\u00fe")) {
            return new Kind("a program", "pass the path of the model file itself");
        }
        if (head[0] == 8 && head[1] > 0 && head[1] < 32 && ONNX.matcher(text).find()) {
            return new Kind("an ONNX file", CONVERT);
        }
        if (text.startsWith("TFL3", 4)) {
            return new Kind("a TensorFlow Lite file", CONVERT);
        }
        if (magic.equals("\u0093NUM")) {
            return new Kind("a NumPy array", CONVERT);
        }
        if (isText(start)) {
            return new Kind(
                    "text, beginning '" + start.lines().findFirst().orElse("").replaceFirst("(?s)^(.{40}).*", "$1...")
                            + "'",
                    "the download seems to have failed, or this is another file; download the model file itself");
        }
        return new Kind(
                "the bytes " + HexFormat.ofDelimiter(" ").formatHex(head, 0, 4), "this is not a GGUF model file");
    }

    private static boolean isText(String start) {
        return start.length() > 3 && start.chars().allMatch(c -> c >= ' ' && c < 0x7F || c >= '\t' && c <= '\r');
    }

    private static boolean isZero(byte[] head) {
        for (byte value : head) {
            if (value != 0) {
                return false;
            }
        }
        return true;
    }

    /** gzip, zstd, xz, bzip2, 7z, rar, tar. */
    private static boolean isCompressed(String magic, String text) {
        return magic.startsWith("\u001f\u008b")
                || magic.equals("(\u00b5/\u00fd")
                || magic.equals("\u00fd7zX")
                || magic.startsWith("BZh")
                || magic.equals("7z\u00bc\u00af")
                || magic.equals("Rar!")
                || text.startsWith("ustar", 257);
    }
}
