// Makes the reference of a block that predicts, with the llama.cpp of llama-cpp-python 0.3.36:
//
//     g++ -std=c++17 -Iinclude -Iggml/include -Isrc make_prediction.cpp -Lbuild/bin -lllama -lggml -lggml-base
//     ./a.out glm4moe-mtp.gguf 1,2,3 predictions/glm4moe-mtp.f32
//
// The block reads, for each token but the first, that token and the state of the model at the one before. Written are its logits after
// the last token, then its own state there, as floats of 32 bits. Keys and values are F32, without flash attention.
#include "llama-ext.h"
#include "llama.h"

#include <cstdio>
#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

int main(int argc, char ** argv) {
    if (argc != 4) {
        return 1;
    }
    std::vector<llama_token> tokens;
    std::stringstream list(argv[2]);
    for (std::string id; std::getline(list, id, ',');) {
        tokens.push_back(std::atoi(id.c_str()));
    }
    int count = tokens.size();
    llama_backend_init();
    llama_model_params of_model = llama_model_default_params();
    of_model.load_mtp = true;
    llama_model * model = llama_model_load_from_file(argv[1], of_model);
    llama_context_params params = llama_context_default_params();
    params.n_ctx = params.n_batch = params.n_ubatch = 256;
    params.n_threads = params.n_threads_batch = 1;
    params.type_k = params.type_v = GGML_TYPE_F32;
    params.flash_attn_type = LLAMA_FLASH_ATTN_TYPE_DISABLED;
    llama_context * text = llama_init_from_model(model, params);
    params.ctx_type = LLAMA_CONTEXT_TYPE_MTP;
    params.ctx_other = text;
    llama_context * block = llama_init_from_model(model, params);
    llama_set_embeddings_nextn(text, true, false);
    llama_set_embeddings_nextn(block, true, true);
    if (llama_decode(text, llama_batch_get_one(tokens.data(), count)) != 0) {
        return 2;
    }
    int width = llama_model_n_embd(model);
    float * kept = llama_get_embeddings_nextn(text);
    std::vector<float> states(kept, kept + (size_t) width * count);
    llama_batch_ext * rows = llama_batch_ext_init(block);
    for (int i = 0; i + 1 < count; i++) {
        int row = llama_batch_ext_add_token(rows, 0, tokens[i + 1]);
        llama_pos position = i;
        llama_batch_ext_set_pos(rows, row, &position);
        llama_batch_ext_set_embd_token(rows, row, {states.data() + (size_t) i * width, 1, (size_t) width});
        llama_batch_ext_set_output_logits(rows, row, true);
    }
    if (llama_process(block, LLAMA_PROCESS_TYPE_DECODE, rows) != 0) {
        return 3;
    }
    FILE * out = std::fopen(argv[3], "wb");
    int vocabulary = llama_vocab_n_tokens(llama_model_get_vocab(model));
    std::fwrite(llama_get_logits_ith(block, count - 2), sizeof(float), vocabulary, out);
    std::fwrite(llama_get_embeddings_nextn_ith(block, count - 2), sizeof(float), width, out);
    std::fclose(out);
}
