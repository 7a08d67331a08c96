package dev.nibble.cli.models;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Locale;

/**
 * A hash that a file must have.
 *
 * @param kind how it is computed
 * @param hex the value, lower case
 */
record Hash(Kind kind, String hex) {

    enum Kind {
        /** SHA-256 of the content; what large files in Git LFS are named by. */
        SHA256("SHA-256", 64),
        /** SHA-1 of the content with Git's blob header before it; what other files are named by. */
        GIT_SHA1("SHA-1", 40);

        private final String algorithm;
        private final int length;

        Kind(String algorithm, int length) {
            this.algorithm = algorithm;
            this.length = length;
        }
    }

    Hash {
        hex = hex.toLowerCase(Locale.ROOT);
        // It becomes a file name: nothing else may pass.
        if (!hex.matches("[0-9a-f]{" + kind.length + "}")) {
            throw new IllegalArgumentException("'" + hex + "' is not a " + kind.algorithm + " hash");
        }
    }

    static Hash sha256(String hex) {
        return new Hash(Kind.SHA256, hex);
    }

    /** A digest to be fed with the content of a file of {@code size} bytes. */
    MessageDigest start(long size) {
        try {
            MessageDigest digest = MessageDigest.getInstance(kind.algorithm);
            begin(digest, size);
            return digest;
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java has " + kind.algorithm, e);
        }
    }

    /** Feeds a fresh digest with what comes before the content. */
    void begin(MessageDigest digest, long size) {
        if (kind == Kind.GIT_SHA1) {
            digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
        }
    }
}
