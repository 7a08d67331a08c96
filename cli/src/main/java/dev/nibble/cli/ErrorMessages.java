package dev.nibble.cli;

import java.nio.charset.CharacterCodingException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/** What went wrong in the words of a user, who knows files and no Java classes. */
final class ErrorMessages {
    /** An exception as it prints itself, in the middle of a text: class name, colon, message. */
    private static final Pattern PRINTED =
            Pattern.compile("\\b(?:[a-z]\\w*\\.)+(\\w+(?:Exception|Error))(?:: ([^\\s;,)]+))?");

    private ErrorMessages() {}

    /** One line about {@code failure}; of an exception that carries another one, about that where it says more. */
    static String of(Throwable failure) {
        String text = failure.getMessage();
        return switch (failure) {
            case NoSuchFileException e -> "no such file: " + e.getFile();
            case AccessDeniedException e -> e.getFile() + " may not be read or written";
            case FileAlreadyExistsException e -> e.getFile() + " exists already";
            case NotDirectoryException e -> e.getFile() + " is not a folder";
            case DirectoryNotEmptyException e -> "the folder " + e.getFile() + " is not empty";
            case FileSystemLoopException e -> e.getFile() + " is a link to itself";
            case FileSystemException e when e.getReason() != null -> e.getFile() + ": " + e.getReason();
            case CharacterCodingException e -> "the text is not in UTF-8";
            case java.io.EOFException e when text == null -> "the file ends too early";
            case java.nio.channels.ClosedByInterruptException e -> "interrupted";
            case java.net.UnknownHostException e -> "there is no host " + text;
            case java.io.UncheckedIOException e when e.getCause() != null -> of(e.getCause());
            default ->
                text != null
                        ? inWords(text)
                        : failure.getCause() != null
                                ? of(failure.getCause())
                                : words(failure.getClass().getSimpleName());
        };
    }

    /** {@code text} without the names of exceptions that became part of it, as of the cause of another. */
    static String inWords(String text) {
        return PRINTED.matcher(text)
                .replaceAll(found -> Matcher.quoteReplacement(printed(found.group(1), found.group(2))));
    }

    private static String printed(String name, @Nullable String message) {
        if (message == null) {
            return words(name);
        }
        return switch (name) {
            case "NoSuchFileException" -> "no such file: " + message;
            case "AccessDeniedException" -> message + " may not be read or written";
            case "FileAlreadyExistsException" -> message + " exists already";
            case "NotDirectoryException" -> message + " is not a folder";
            case "DirectoryNotEmptyException" -> "the folder " + message + " is not empty";
            case "MalformedInputException", "UnmappableCharacterException" -> "the text is not in UTF-8";
            default -> message;
        };
    }

    /** {@code ClosedChannelException} as {@code closed channel}. */
    private static String words(String name) {
        return name.replaceAll("(Exception|Error)$", "")
                .replaceAll("(?<=[a-z])(?=[A-Z])", " ")
                .toLowerCase(java.util.Locale.ROOT);
    }
}
