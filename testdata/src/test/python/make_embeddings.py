#!/usr/bin/env python3
"""Makes tiny random embedding models and the embeddings llama.cpp computes with them.

    pip install numpy gguf llama-cpp-python
    python make_embeddings.py ../resources/embeddings

For each model NAME.gguf and NAME.tsv are written; a line of the latter has the pooling, the text, the ids of its tokens,
and the embedding before normalization (with pooling "none", those of all tokens). Weights are F32, attention is computed
without flash attention, and keys and values are F32.
"""
import ctypes
import sys
from pathlib import Path

import gguf
import llama_cpp as lib
import numpy as np

CONTEXT = 96
TEXTS = [
    "the cat sat on the mat",
    "The dog, sat!",
    "x",
    "",
    "Ünïcode 漢字 \u2014 mixed with \U0001f642 and numbers 12345",
    "[MASK] the [SEP] cat <s> <|endoftext|> dog",
    "the cat and the dog sat on the mat and the mat sat on the cat and the dog sat on the cat",
]
WORDS = "the cat sat on mat dog and with mixed numbers".split()
CHARACTERS = "abcdefghijklmnopqrstuvwxyz0123456789.,!?-'"
QUIET = lib.llama_log_callback(lambda level, text, data: None)
POOLINGS = {"none": 0, "mean": 1, "cls": 2, "last": 3}


class Weights:
    """Writes random tensors."""

    def __init__(self, writer, seed):
        self.writer = writer
        self.random = np.random.default_rng(seed)

    def matrix(self, name, columns, rows):
        values = self.random.normal(0, 1.5 / np.sqrt(columns), (rows, columns))
        self.writer.add_tensor(name + ".weight", values.astype(np.float32))

    def embedding(self, name, columns, rows):
        self.writer.add_tensor(name + ".weight", self.random.normal(0, 1, (rows, columns)).astype(np.float32))

    def around(self, name, middle, size):
        self.writer.add_tensor(name, self.random.normal(middle, 0.2, size).astype(np.float32))

    def linear(self, name, columns, rows, bias):
        self.matrix(name, columns, rows)
        if bias:
            self.around(name + ".bias", 0, rows)

    def layer_norm(self, name, size):
        self.around(name + ".weight", 1, size)
        self.around(name + ".bias", 0, size)

    def rms_norm(self, name, size):
        self.around(name + ".weight", 1, size)


def word_piece(writer):
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    pieces = ["▁" + c for c in CHARACTERS] + list(CHARACTERS) + ["▁" + w for w in WORDS] + ["ed", "er", "umb", "▁漢"]
    tokens = special + pieces
    writer.add_tokenizer_model("bert")
    writer.add_token_list(tokens)
    writer.add_token_types([3] * len(special) + [1] * len(pieces))
    writer.add_token_type_count(2)
    writer.add_pad_token_id(0)
    writer.add_unk_token_id(1)
    writer.add_bos_token_id(2)
    writer.add_sep_token_id(3)
    writer.add_eos_token_id(3)
    writer.add_mask_token_id(4)
    return len(tokens)


def sentence_piece(writer):
    special = ["<unk>", "<s>", "</s>"]
    bytes_ = [f"<0x{b:02X}>" for b in range(256)]
    pieces = ["▁"] + list(CHARACTERS) + ["th", "at", "the", "▁the", "▁m", "▁c", "▁cat", "▁mat", "an", "and", "▁and", "do"]
    tokens = special + bytes_ + pieces
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    scores = [0.0] * 259 + [-100.0 - i for i in range(1 + len(CHARACTERS))]
    writer.add_token_scores(scores + [-1.0 - i for i in range(len(tokens) - len(scores))])
    writer.add_token_types([2, 3, 3] + [6] * 256 + [1] * len(pieces))
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_add_eos_token(True)
    writer.add_add_space_prefix(False)
    return len(tokens)


def byte_pairs(writer):
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    alphabet = [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]
    merges = ["t h", "th e", "a t", "Ġ the", "Ġ c", "Ġc at", "a n", "an d", "s at", "o n"]
    tokens = alphabet + [m.replace(" ", "") for m in merges if m != "Ġ the"] + ["Ġthe", "<|endoftext|>"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([1] * (len(tokens) - 1) + [3])
    writer.add_token_merges(merges)
    writer.add_eos_token_id(len(tokens) - 1)
    writer.add_pad_token_id(len(tokens) - 1)
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(True)
    return len(tokens)


def common(writer, hidden, layers, ffn, heads):
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(hidden)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(ffn)
    writer.add_head_count(heads)


def bert(writer):
    hidden, layers, ffn = 48, 2, 96
    common(writer, hidden, layers, ffn, 3)
    writer.add_layer_norm_eps(1e-3)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.CLS)
    vocab = word_piece(writer)
    weights = Weights(writer, 1)
    weights.embedding("token_embd", hidden, vocab)
    weights.embedding("token_types", hidden, 2)
    weights.embedding("position_embd", hidden, CONTEXT)
    weights.layer_norm("token_embd_norm", hidden)
    for layer in range(layers):
        block = f"blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            weights.linear(block + name, hidden, hidden, True)
        weights.layer_norm(block + "attn_output_norm", hidden)
        weights.linear(block + "ffn_up", hidden, ffn, True)
        weights.linear(block + "ffn_down", ffn, hidden, True)
        weights.layer_norm(block + "layer_output_norm", hidden)


def nomic(writer):
    hidden, layers, ffn = 48, 2, 64
    common(writer, hidden, layers, ffn, 3)
    writer.add_layer_norm_eps(1e-12)
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    writer.add_rope_freq_base(1000.0)
    vocab = word_piece(writer)
    weights = Weights(writer, 2)
    weights.embedding("token_embd", hidden, vocab)
    weights.embedding("token_types", hidden, 2)
    weights.layer_norm("token_embd_norm", hidden)
    for layer in range(layers):
        block = f"blk.{layer}."
        weights.linear(block + "attn_qkv", hidden, 3 * hidden, False)
        weights.linear(block + "attn_output", hidden, hidden, False)
        weights.layer_norm(block + "attn_output_norm", hidden)
        weights.linear(block + "ffn_up", hidden, ffn, False)
        weights.linear(block + "ffn_gate", hidden, ffn, False)
        weights.linear(block + "ffn_down", ffn, hidden, False)
        weights.layer_norm(block + "layer_output_norm", hidden)


def grouped_query_blocks(weights, hidden, layers, ffn, heads, kv_heads, head_dim, post_norms):
    for layer in range(layers):
        block = f"blk.{layer}."
        weights.rms_norm(block + "attn_norm", hidden)
        weights.linear(block + "attn_q", hidden, heads * head_dim, False)
        weights.linear(block + "attn_k", hidden, kv_heads * head_dim, False)
        weights.linear(block + "attn_v", hidden, kv_heads * head_dim, False)
        weights.linear(block + "attn_output", heads * head_dim, hidden, False)
        weights.rms_norm(block + "attn_q_norm", head_dim)
        weights.rms_norm(block + "attn_k_norm", head_dim)
        weights.rms_norm(block + "ffn_norm", hidden)
        weights.linear(block + "ffn_gate", hidden, ffn, False)
        weights.linear(block + "ffn_up", hidden, ffn, False)
        weights.linear(block + "ffn_down", ffn, hidden, False)
        if post_norms:
            weights.rms_norm(block + "post_attention_norm", hidden)
            weights.rms_norm(block + "post_ffw_norm", hidden)
    weights.rms_norm("output_norm", hidden)


def gemma(writer, dense):
    hidden, layers, ffn, heads, kv_heads, head_dim = 32, 6, 48, 2, 1, 16
    common(writer, hidden, layers, ffn, heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1000000.0)
    writer.add_sliding_window(9)
    writer.add_pooling_type(gguf.PoolingType.MEAN)
    vocab = sentence_piece(writer)
    weights = Weights(writer, 3)
    weights.embedding("token_embd", hidden, vocab)
    grouped_query_blocks(weights, hidden, layers, ffn, heads, kv_heads, head_dim, True)
    if dense:
        writer.add_dense_features_dims("dense_2", hidden, 80)
        writer.add_dense_features_dims("dense_3", 80, hidden)
        weights.matrix("dense_2", hidden, 80)
        weights.matrix("dense_3", 80, hidden)


def qwen3(writer, causal):
    hidden, layers, ffn, heads, kv_heads, head_dim = 48, 2, 64, 4, 2, 16
    common(writer, hidden, layers, ffn, heads)
    writer.add_head_count_kv(kv_heads)
    writer.add_key_length(head_dim)
    writer.add_value_length(head_dim)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10000.0)
    writer.add_pooling_type(gguf.PoolingType.LAST if causal else gguf.PoolingType.MEAN)
    if not causal:
        writer.add_causal_attention(False)
    vocab = byte_pairs(writer)
    weights = Weights(writer, 4)
    weights.embedding("token_embd", hidden, vocab)
    grouped_query_blocks(weights, hidden, layers, ffn, heads, kv_heads, head_dim, False)


MODELS = {
    "bert": ("bert", bert),
    "nomic-bert": ("nomic-bert", nomic),
    "gemma-embedding": ("gemma-embedding", lambda writer: gemma(writer, False)),
    "gemma-embedding-dense": ("gemma-embedding", lambda writer: gemma(writer, True)),
    "qwen3-last": ("qwen3", lambda writer: qwen3(writer, True)),
    "qwen3-bidirectional": ("qwen3", lambda writer: qwen3(writer, False)),
}


def tokenize(vocab, text):
    data = text.encode()
    ids = (lib.llama_token * (len(data) + 8))()
    count = lib.llama_tokenize(vocab, data, len(data), ids, len(ids), True, True)
    assert count >= 0, text
    return list(ids[:count])


def embed(model, pooling, tokens):
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
    params.embeddings = True
    params.pooling_type = POOLINGS[pooling]
    params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.type_k = params.type_v = lib.GGML_TYPE_F32
    context = lib.llama_init_from_model(model, params)
    batch = lib.llama_batch_init(len(tokens), 0, 1)
    for i, token in enumerate(tokens):
        batch.token[i] = token
        batch.pos[i] = i
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = True
    batch.n_tokens = len(tokens)
    assert lib.llama_decode(context, batch) == 0
    size = lib.llama_model_n_embd(model)
    if pooling == "none":
        values = np.concatenate([np.ctypeslib.as_array(lib.llama_get_embeddings_ith(context, i), (size,)).copy()
                                 for i in range(len(tokens))])
    else:
        values = np.ctypeslib.as_array(lib.llama_get_embeddings_seq(context, 0), (size,)).copy()
    lib.llama_batch_free(batch)
    lib.llama_free(context)
    return values


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    lib.llama_log_set(QUIET, ctypes.c_void_p(0))
    for name, (architecture, fill) in MODELS.items():
        file = folder / (name + ".gguf")
        writer = gguf.GGUFWriter(str(file), architecture)
        writer.add_name("tiny random " + name)
        fill(writer)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
        model = lib.llama_model_load_from_file(str(file).encode(), lib.llama_model_default_params())
        assert model, name
        vocab = lib.llama_model_get_vocab(model)
        with open(folder / (name + ".tsv"), "w", encoding="utf-8") as out:
            for text in TEXTS:
                tokens = tokenize(vocab, text)
                assert 0 < len(tokens) <= CONTEXT, (name, text, len(tokens))
                for pooling in POOLINGS:
                    if pooling == "none" and len(tokens) > 12:
                        continue
                    values = embed(model, pooling, tokens)
                    print(pooling, text, ",".join(map(str, tokens)), " ".join(f"{v:.8g}" for v in values), sep="\t", file=out)
        lib.llama_model_free(model)
        print(name, file.stat().st_size, "bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
