package dev.nibble.tokenizer;

import dev.nibble.model.Metadata;
import dev.nibble.model.StringArray;
import java.nio.charset.StandardCharsets;

/** The merges of a byte-pair encoding: which pair of tokens becomes which token, in order of preference. */
final class MergeTable {
    /** No merge. */
    static final int NONE = LongIntMap.NONE;

    private static final String KEY = "tokenizer.ggml.merges";

    private final LongIntMap ranks;
    private final int[] merged; // by rank

    private MergeTable(LongIntMap ranks, int[] merged) {
        this.ranks = ranks;
        this.merged = merged;
    }

    static MergeTable read(Metadata metadata, FileVocabulary vocabulary) {
        TokenTable table = vocabulary.table();
        StringArray merges = metadata.optionalStrings(KEY);
        if (merges == null) {
            throw metadata.failure(KEY, "this key is missing, and text cannot be tokenized without the merges");
        }
        LongIntMap ranks = new LongIntMap(merges.size());
        int[] merged = new int[merges.size()];
        byte[] joined = new byte[table.longest()];
        for (int rank = 0; rank < merged.length; rank++) {
            byte[] merge = merges.bytes(rank);
            int space = 1; // a token may be a space, but is not empty
            while (space < merge.length && merge[space] != ' ') {
                space++;
            }
            int length = merge.length - 1;
            int left = TokenTable.NONE;
            int right = TokenTable.NONE;
            int both = TokenTable.NONE;
            if (space < length && length <= joined.length) {
                left = table.find(merge, 0, space);
                right = table.find(merge, space + 1, merge.length);
                System.arraycopy(merge, 0, joined, 0, space);
                System.arraycopy(merge, space + 1, joined, space, length - space);
                both = table.find(joined, 0, length);
            }
            // Reduced vocabularies keep merges of tokens that are gone: they never apply, the others keep their ranks.
            boolean applies = left != TokenTable.NONE && right != TokenTable.NONE && both != TokenTable.NONE;
            if (applies && vocabulary.type(both) != TokenType.CONTROL) { // which text never becomes
                ranks.putIfAbsent(pair(left, right), rank);
            }
            merged[rank] = both;
        }
        return new MergeTable(ranks, merged);
    }

    /** The rank of the merge of two tokens, or {@link #NONE}. */
    int rank(int left, int right) {
        return ranks.get(pair(left, right));
    }

    /** The token that the merge of a rank gives. */
    int merged(int rank) {
        return merged[rank];
    }

    private static long pair(int left, int right) {
        return (long) left << 32 | right;
    }
}
