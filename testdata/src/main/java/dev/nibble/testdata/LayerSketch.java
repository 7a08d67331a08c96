package dev.nibble.testdata;

import dev.nibble.testdata.ModelSketch.Dimensions;

/** The tensors of one layer; names are given without {@code blk.N.}. */
final class LayerSketch {
    private final ModelSketch model;
    private final Dimensions d;
    private final int index;

    LayerSketch(ModelSketch model, int index) {
        this.model = model;
        this.d = model.dimensions();
        this.index = index;
    }

    int index() {
        return index;
    }

    LayerSketch norm(String name) {
        return norm(name, d.hidden());
    }

    LayerSketch norm(String name, int size) {
        model.norm(name(name), size);
        return this;
    }

    LayerSketch bias(String name, int... dims) {
        model.vector(name(name) + ".bias", 0, 0.3f, dims);
        return this;
    }

    LayerSketch vector(String name, float mean, float deviation, int... dims) {
        model.vector(name(name), mean, deviation, dims);
        return this;
    }

    LayerSketch weight(String name, long inputs, long... outputs) {
        model.weight(name(name) + ".weight", inputs, outputs);
        return this;
    }

    /** A matrix that stays F32 whatever the model's type, as routers do. */
    LayerSketch plainWeight(String name, int inputs, int outputs) {
        model.vector(name(name) + ".weight", 0, 2 / (float) Math.sqrt(inputs), inputs, outputs);
        return this;
    }

    /** Query, key, value and output. */
    LayerSketch attention() {
        return attention(d.headDim(), d.kvHeads());
    }

    /** Query, key, value and output of a layer with a head size and a number of key-value heads of its own. */
    LayerSketch attention(int headDim, int kvHeads) {
        return queryAndOutput(headDim).keys(headDim, kvHeads).weight("attn_v", d.hidden(), (long) kvHeads * headDim);
    }

    LayerSketch queryAndOutput(int headDim) {
        long width = (long) d.heads() * headDim;
        return weight("attn_q", d.hidden(), width).weight("attn_output", width, d.hidden());
    }

    LayerSketch keys(int headDim, int kvHeads) {
        return weight("attn_k", d.hidden(), (long) kvHeads * headDim);
    }

    /** Biases of query, key and value. */
    LayerSketch attentionBias() {
        return bias("attn_q", d.queryWidth()).bias("attn_k", d.kvWidth()).bias("attn_v", d.kvWidth());
    }

    /** Norms over each head of queries and keys. */
    LayerSketch headNorms() {
        return headNorms(d.headDim());
    }

    LayerSketch headNorms(int headDim) {
        return norm("attn_q_norm", headDim).norm("attn_k_norm", headDim);
    }

    LayerSketch feedForward() {
        return feedForward("", d.ffn());
    }

    /** Gate, up and down with {@code suffix} behind their names. */
    LayerSketch feedForward(String suffix, int ffn) {
        return weight("ffn_gate" + suffix, d.hidden(), ffn)
                .weight("ffn_up" + suffix, d.hidden(), ffn)
                .weight("ffn_down" + suffix, ffn, d.hidden());
    }

    /** Gate and up in one matrix. */
    LayerSketch fusedFeedForward() {
        return weight("ffn_up", d.hidden(), 2L * d.ffn()).weight("ffn_down", d.ffn(), d.hidden());
    }

    /** A router and {@code count} experts. */
    LayerSketch experts(int count, int ffn) {
        return plainWeight("ffn_gate_inp", d.hidden(), count)
                .weight("ffn_gate_exps", d.hidden(), ffn, count)
                .weight("ffn_up_exps", d.hidden(), ffn, count)
                .weight("ffn_down_exps", ffn, d.hidden(), count);
    }

    /** Norms before attention and feed-forward, and what stands between: the layer of llama. */
    LayerSketch llama() {
        return norm("attn_norm").attention().norm("ffn_norm").feedForward();
    }

    /** What a block that predicts a token more has beside a layer: with an embedding and an output matrix of its own, or without. */
    LayerSketch prediction(boolean own) {
        norm("nextn.enorm").norm("nextn.hnorm").weight("nextn.eh_proj", 2L * d.hidden(), d.hidden());
        return own
                ? norm("nextn.shared_head_norm")
                        .weight("nextn.embed_tokens", d.hidden(), d.vocab())
                        .weight("nextn.shared_head_head", d.hidden(), d.vocab())
                : this;
    }

    private String name(String suffix) {
        return "blk." + index + "." + suffix;
    }
}
