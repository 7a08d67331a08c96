"""Measures llama.cpp through its own library as llama-cpp-python ships it, and prints one JSON object.

The low-level API is used, so that what is timed is llama_decode and nothing of Python's: a batch of P random tokens, and
apart from it, after D tokens, N tokens one at a time; after a warm-up of both.
"""

import argparse
import ctypes
import json
import random
import time

import llama_cpp as llama


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-m", "--model", required=True)
    parser.add_argument("-p", "--prompt", type=int, default=256)
    parser.add_argument("-n", "--generate", type=int, default=32)
    parser.add_argument("-d", "--depth", type=int, default=0)
    parser.add_argument("-t", "--threads", type=int, required=True)
    return parser.parse_args()


def silent(level, text, data):
    pass


def evaluate(context, tokens):
    array = (llama.llama_token * len(tokens))(*tokens)
    status = llama.llama_decode(context, llama.llama_batch_get_one(array, len(tokens)))
    if status != 0:
        raise SystemExit(f"llama_decode of {len(tokens)} tokens failed with {status}")
    llama.llama_synchronize(context)


def clear(context):
    llama.llama_memory_clear(llama.llama_get_memory(context), True)


def main():
    arguments = parse()
    log = llama.llama_log_callback(silent)
    llama.llama_log_set(log, ctypes.c_void_p(0))
    llama.llama_backend_init()

    start = time.perf_counter()
    parameters = llama.llama_model_default_params()
    parameters.n_gpu_layers = 0
    model = llama.llama_model_load_from_file(arguments.model.encode(), parameters)
    if not model:
        raise SystemExit(f"llama.cpp cannot load {arguments.model}")
    parameters = llama.llama_context_default_params()
    parameters.n_ctx = max(arguments.prompt, arguments.depth + arguments.generate)
    parameters.n_batch = max(arguments.prompt, arguments.depth, 1)
    parameters.n_threads = arguments.threads
    parameters.n_threads_batch = arguments.threads
    context = llama.llama_init_from_model(model, parameters)
    if not context:
        raise SystemExit("llama.cpp cannot make a context")
    load = time.perf_counter() - start

    choice = random.Random(42)
    vocabulary = llama.llama_vocab_n_tokens(llama.llama_model_get_vocab(model))
    prompt, before, generated = (
        [choice.randrange(vocabulary) for _ in range(count)]
        for count in (arguments.prompt, arguments.depth, arguments.generate)
    )

    evaluate(context, prompt)
    clear(context)
    evaluate(context, generated[:1])
    clear(context)

    start = time.perf_counter()
    evaluate(context, prompt)
    prompted = time.perf_counter()

    clear(context)
    if before:
        evaluate(context, before)
    begun = time.perf_counter()
    for token in generated:
        evaluate(context, [token])
    ended = time.perf_counter()

    print(json.dumps({
        "prompt_tokens_per_second": arguments.prompt / (prompted - start),
        "generation_tokens_per_second": arguments.generate / (ended - begun),
        "load_seconds": load,
        # Choosing a token from the logits takes llama.cpp microseconds; it is left out.
        "time_to_first_token_seconds": prompted - start,
        "threads": arguments.threads,
        "llama_cpp_python": llama.__version__,
    }))


if __name__ == "__main__":
    main()
