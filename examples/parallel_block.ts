/** A GPT whose blocks compute attention and MLP in parallel from one norm, as in GPT-J and PaLM. */
import * as tf from "@tensorflow/tfjs";
import { activation, type Architecture, attention, rotaryAngles } from "@losskit/losskit/model";
import { embedding, layerScope, linear, residual, rmsNorm } from "@losskit/losskit/tensorflow";

const parallel: Architecture = {
  parameters: ({ vocabSize: V, nLayer: L, nEmbd: C, nInner: F }) =>
    Object.assign(
      { "wte.weight": { shape: [V, C] }, "ln_f.weight": { shape: [C] } },
      ...Array.from({ length: L }, (_, i) => ({
        [`h.${i}.norm.weight`]: { shape: [C] },
        [`h.${i}.qkv.weight`]: { shape: [C, 3 * C] },
        [`h.${i}.attn_out.weight`]: { shape: [C, C], std: 0.02 / Math.sqrt(L) },
        [`h.${i}.up.weight`]: { shape: [C, F] },
        [`h.${i}.down.weight`]: { shape: [F, C], std: 0.02 / Math.sqrt(L) },
      })),
    ),

  forward({ parameters, tokens, config, dropout }) {
    const [B, T] = tokens.shape, angles = rotaryAngles(config, T);
    const weight = (name: string) => parameters[`${name}.weight`]!;
    const dense = (x: tf.Tensor, name: string) => linear(x, { weight: weight(name), name });
    const norm = (x: tf.Tensor, name: string) => rmsNorm(x, { weight: weight(name), lowered: true });
    let x = embedding(weight("wte"), tf.reshape(tokens, [B * T])); // [N, C]
    for (let i = 0; i < config.nLayer; i++) {
      x = layerScope(`h.${i}`, () => {
        const y = norm(x, `h.${i}.norm`);
        const context = attention(dense(y, `h.${i}.qkv`), { B, T, config, angles, dropout });
        const hidden = activation(dense(y, `h.${i}.up`), "relu2"); // [N, F]
        const sum = residual(dense(context, `h.${i}.attn_out`), dense(hidden, `h.${i}.down`));
        return residual(x, dropout(sum));
      });
    }
    return layerScope("head", () => norm(x, "ln_f"));
  },
};

export default parallel;
