#!/usr/bin/env python3
"""Makes the reference logits of tiny random models with llama.cpp.

    pip install numpy gguf llama-cpp-python
    for name in deepseek2 granitemoe ...; do java ... dev.nibble.testdata.TinyModels models/$name.gguf $name; done
    java ... dev.nibble.testdata.TinyModels models/llama-Q4_0.gguf llama 1 Q4_0 ...
    python make_logits.py ../resources/logits models/*.gguf

Weights, activations, keys and values are F32, attention is computed without flash attention, the context is 256. In
place of a quantized model, one runs that has the exact values of its weights in F32. For each model NAME.json is written: the checksum of the model file, 40 tokens, the best token after each of them, the next
16 tokens by greedy choice, and the logits after a few positions. Tokens are drawn anew until no choice is close.
"""
import ctypes
import hashlib
import json
import sys
import tempfile
from pathlib import Path

import gguf
import llama_cpp as lib
import numpy as np

CONTEXT = 256
TOKENS = 40
GREEDY = 16
POSITIONS = [0, 1, 17, 39]
MARGIN = 2e-3
QUIET = lib.llama_log_callback(lambda level, text, data: None)


def new_context(model):
    params = lib.llama_context_default_params()
    params.n_ctx = params.n_batch = params.n_ubatch = CONTEXT
    params.n_threads = params.n_threads_batch = 1
    params.flash_attn_type = lib.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.type_k = params.type_v = lib.GGML_TYPE_F32
    return lib.llama_init_from_model(model, params)


def evaluate(context, tokens, position, vocab_size):
    """Logits after each token, [tokens, vocabulary]."""
    batch = lib.llama_batch_init(len(tokens), 0, 1)
    for i, token in enumerate(tokens):
        batch.token[i] = token
        batch.pos[i] = position + i
        batch.n_seq_id[i] = 1
        batch.seq_id[i][0] = 0
        batch.logits[i] = True
    batch.n_tokens = len(tokens)
    assert lib.llama_decode(context, batch) == 0
    rows = [np.ctypeslib.as_array(lib.llama_get_logits_ith(context, i), (vocab_size,)).copy()
            for i in range(len(tokens))]
    lib.llama_batch_free(batch)
    return np.array(rows)


def margin(rows):
    best = np.sort(rows, axis=1)
    return (best[:, -1] - best[:, -2]).min()


def reference(model, seed):
    vocab_size = lib.llama_vocab_n_tokens(lib.llama_model_get_vocab(model))
    tokens = [int(t) for t in np.random.default_rng(seed).integers(0, 256, TOKENS)]
    context = new_context(model)
    logits = evaluate(context, tokens, 0, vocab_size)
    smallest = margin(logits)
    greedy = [int(logits[-1].argmax())]
    while len(greedy) < GREEDY:
        row = evaluate(context, greedy[-1:], TOKENS + len(greedy) - 1, vocab_size)
        smallest = min(smallest, margin(row))
        greedy.append(int(row.argmax()))
    lib.llama_free(context)

    single = new_context(model)
    rows = np.concatenate([evaluate(single, [token], i, vocab_size) for i, token in enumerate(tokens)])
    lib.llama_free(single)
    error = ((rows - logits) ** 2).sum() / (logits ** 2).sum()
    assert error < 1e-10, f"one token at a time differs by {error}"
    return tokens, logits, greedy, smallest


def write_dequantized(file, out):
    """Copies a model with all tensors in F32."""
    reader = gguf.GGUFReader(file)
    writer = gguf.GGUFWriter(out, reader.fields["general.architecture"].contents())
    for field in reader.fields.values():
        if field.name != "general.architecture" and not field.name.startswith("GGUF."):
            array = field.types[0] == gguf.GGUFValueType.ARRAY
            writer.add_key_value(field.name, field.contents(), field.types[0], field.types[-1] if array else None)
    for tensor in reader.tensors:
        writer.add_tensor(tensor.name, gguf.dequantize(tensor.data, tensor.tensor_type).astype(np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def load(file):
    with tempfile.TemporaryDirectory() as folder:
        twin = Path(folder, "f32.gguf")
        write_dequantized(file, twin)
        params = lib.llama_model_default_params()
        params.use_mmap = False
        return lib.llama_model_load_from_file(str(twin).encode(), params)


def main(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    lib.llama_log_set(QUIET, ctypes.c_void_p(0))
    for file in files:
        model = load(file)
        assert model, file
        seed = 1
        while True:
            tokens, logits, greedy, smallest = reference(model, seed)
            if smallest > MARGIN:
                break
            seed += 1
            assert seed < 1000, f"{file}: every choice is close"
        lib.llama_model_free(model)
        result = {
            "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
            "tokens": tokens,
            "best": [int(row.argmax()) for row in logits],
            "greedy": greedy,
            "logits": {str(i): [float(f"{v:.9g}") for v in logits[i]] for i in POSITIONS},
        }
        text = ",\n".join(f' "{key}": {json.dumps(value, separators=(",", ":"))}' for key, value in result.items())
        (folder / (file.stem + ".json")).write_text("{\n" + text + "\n}\n")
        print(f"{file.stem}: seed {seed}, smallest margin {smallest:.2g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]])
