/**
 * LLaMA's decoder, written against the interface `Architecture`. Copy this file to change an architecture.
 *
 * It computes the same numbers as the built-in `--architecture llama`. Letters: B batch, T sequence length, C width, H query
 * heads, G heads of keys and values, D = C / H, F width of the MLP, V vocabulary, N = B T.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  activation,
  type Architecture,
  attention,
  type ForwardInput,
  rotaryAngles,
} from "@losskit/losskit/model";
import { embedding, layerScope, linear, observe, residual, rmsNorm } from "@losskit/losskit/tensorflow";

const llama: Architecture = {
  parameters({ vocabSize: V, nLayer: L, nHead: H, nKvHead: G, nEmbd: C, nInner: F, initStd, tiedHead }) {
    const D = C / H, std = initStd / Math.sqrt(2 * L); // of matrices that write to the residual stream
    const blocks = Array.from({ length: L }, (_, i) => ({
      [`h.${i}.ln_1.weight`]: { shape: [C] },
      [`h.${i}.attn.c_attn.weight`]: { shape: [C, C + 2 * G * D] }, // queries, keys, values
      [`h.${i}.attn.c_proj.weight`]: { shape: [C, C], std },
      [`h.${i}.ln_2.weight`]: { shape: [C] },
      [`h.${i}.mlp.c_fc.weight`]: { shape: [C, 2 * F] }, // gates, values
      [`h.${i}.mlp.c_proj.weight`]: { shape: [F, C], std },
    }));
    return {
      "wte.weight": { shape: [V, C] },
      ...Object.assign({}, ...blocks),
      "ln_f.weight": { shape: [C] },
      ...(tiedHead ? {} : { "lm_head.weight": { shape: [V, C] } }),
    };
  },

  forward(input) {
    const { parameters, tokens, config, dropout } = input;
    const { nLayer: L } = config, [B, T] = tokens.shape;
    const norm = normOf(input), dense = denseOf(input);
    const angles = rotaryAngles(config, T);
    let x = layerScope("embedding", () => {
      const rows = embedding(parameters["wte.weight"]!, tf.reshape(tokens, [B * T]));
      return observe("residual", dropout(rows)); // [N, C]
    });
    for (let i = 0; i < L; i++) {
      x = layerScope(`h.${i}`, () => {
        const qkv = dense(norm(x, `h.${i}.ln_1`), `h.${i}.attn.c_attn`);
        const context = dense(attention(qkv, { B, T, config, angles, dropout }), `h.${i}.attn.c_proj`);
        x = observe("residual", residual(x, dropout(context)));
        const hidden = activation(dense(norm(x, `h.${i}.ln_2`), `h.${i}.mlp.c_fc`), "swiglu"); // [N, F]
        const output = dense(observe("activation", hidden), `h.${i}.mlp.c_proj`);
        return observe("residual", residual(x, dropout(output)));
      }, { isEnd: i === 0 || i === L - 1 });
    }
    return layerScope("head", () => norm(x, "ln_f")); // [N, C]
  },
};

export default llama;

/** Returns the model's RMSNorm. Only matrix products use its result, so it has their type. */
function normOf({ parameters, config: { layerNormEps: epsilon } }: ForwardInput) {
  return (x: tf.Tensor, name: string) =>
    rmsNorm(x, { weight: parameters[`${name}.weight`]!, epsilon, lowered: true });
}

/** Returns the model's linear layers, which have no biases. */
function denseOf({ parameters }: ForwardInput) {
  return (x: tf.Tensor, name: string) => linear(x, { weight: parameters[`${name}.weight`]!, name });
}
