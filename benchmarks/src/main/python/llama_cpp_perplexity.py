"""Prints llama.cpp's perplexity of a text, cut and scored as `nibble perplexity` does it.

Windows of --ctx tokens, each from an empty cache; the tokens of its second half are scored, and what remains at the end
is dropped. Needs llama-cpp-python and NumPy.
"""

import argparse
import ctypes

import llama_cpp as llama
import numpy as np

KV_TYPES = {"f32": llama.GGML_TYPE_F32, "f16": llama.GGML_TYPE_F16, "q8_0": llama.GGML_TYPE_Q8_0}


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("-f", "--file", required=True)
    parser.add_argument("--ctx", type=int, default=512)
    parser.add_argument("--kv", choices=KV_TYPES, default="f16")
    parser.add_argument("--no-flash-attention", action="store_true", help="not with q8_0")
    parser.add_argument("-t", "--threads", type=int, default=2)
    return parser.parse_args()


def silent(level, text, data):
    pass


def tokenize(vocabulary, text):
    data = text.encode()
    tokens = (llama.llama_token * (len(data) + 8))()
    count = llama.llama_tokenize(vocabulary, data, len(data), tokens, len(tokens), True, False)
    if count < 0:
        raise SystemExit(f"llama_tokenize failed with {count}")
    return list(tokens[:count])


def score(context, window, vocabulary_size):
    """The sum of the log-probabilities of the tokens after the first half."""
    batch = llama.llama_batch_init(len(window), 0, 1)
    batch.n_tokens = len(window)
    half = len(window) // 2
    for position, token in enumerate(window):
        batch.token[position] = token
        batch.pos[position] = position
        batch.n_seq_id[position] = 1
        batch.seq_id[position][0] = 0
        batch.logits[position] = half <= position < len(window) - 1
    llama.llama_memory_clear(llama.llama_get_memory(context), True)
    status = llama.llama_decode(context, batch)
    if status != 0:
        raise SystemExit(f"llama_decode failed with {status}")
    total = 0.0
    for position in range(half, len(window) - 1):
        logits = np.ctypeslib.as_array(llama.llama_get_logits_ith(context, position), shape=(vocabulary_size,))
        logits = logits.astype(np.float64)
        highest = logits.max()
        total += logits[window[position + 1]] - highest - np.log(np.exp(logits - highest).sum())
    llama.llama_batch_free(batch)
    return total


def main():
    arguments = parse()
    log = llama.llama_log_callback(silent)
    llama.llama_log_set(log, ctypes.c_void_p(0))
    llama.llama_backend_init()
    parameters = llama.llama_model_default_params()
    parameters.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(arguments.model.encode(), parameters)
    if not model:
        raise SystemExit(f"llama.cpp cannot load {arguments.model}")
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = arguments.ctx
    parameters.n_batch = arguments.ctx
    parameters.n_threads = parameters.n_threads_batch = arguments.threads
    parameters.type_k = parameters.type_v = KV_TYPES[arguments.kv]
    if arguments.no_flash_attention:
        parameters.flash_attn_type = 0
    context = llama.llama_init_from_model(model, parameters)
    if not context:
        raise SystemExit("llama.cpp cannot make a context")

    vocabulary = llama.llama_model_get_vocab(model)
    with open(arguments.file, encoding="utf-8") as file:
        tokens = tokenize(vocabulary, file.read())
    windows = len(tokens) // arguments.ctx
    if windows == 0:
        raise SystemExit(f"the text has {len(tokens)} tokens, less than one window of {arguments.ctx}")
    total = 0.0
    for index in range(windows):
        window = tokens[index * arguments.ctx:(index + 1) * arguments.ctx]
        if llama.llama_vocab_get_add_bos(vocabulary):
            window[0] = llama.llama_vocab_bos(vocabulary)
        total += score(context, window, llama.llama_vocab_n_tokens(vocabulary))
    scored = windows * (arguments.ctx - 1 - arguments.ctx // 2)
    print(f"{np.exp(-total / scored):.4f}")


if __name__ == "__main__":
    main()
