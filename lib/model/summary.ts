/**
 * What a GPT costs: its floating-point operations, and a table of its parts. No tensors.
 *
 * @module
 */
import { greatest } from "../number/extent.ts";
import { completeConfig, type GptConfig } from "./config.ts";
import { parameterCount, parameterShapes, sizeOf } from "./parameters.ts";

/**
 * Floating-point operations of one training step per token, forward and backward: 6 P + 6 L C T.
 *
 * P counts the weights of matrix products, the head's among them (tied or not) and tables of embeddings not, whose rows
 * are only read: each weight is a multiplication and an addition forward, and twice that backward (Kaplan et al. 2020).
 * Attention forward makes 4 C operations for each query and key, of which a causal model needs T / 2 a query: 2 L C T,
 * and with the backward pass three times that (Chowdhery et al. 2022, halved for the causal mask). Work that grows with
 * C alone (LayerNorm, activations, biases) is left out. A forward pass alone is a third.
 *
 * @param config Sizes and options.
 * @param T Tokens in a sequence, at most the config's `blockSize`.
 * @throws {RangeError} when the config does not hold or T does not fit it.
 */
export function flopsPerToken(config: GptConfig, T: number): number {
  const shapes = parameterShapes(config);
  if (!Number.isInteger(T) || T < 1 || T > config.blockSize) {
    throw new RangeError(
      `Cannot count operations: T must be a whole number in [1, ${config.blockSize}] (blockSize): T is ${T}`,
    );
  }
  const inBlocks = Object.entries(shapes).filter(([name, shape]) =>
    name.startsWith("h.") && shape.length === 2
  );
  const P = inBlocks.reduce((sum, [, shape]) => sum + sizeOf(shape), config.vocabSize * config.nEmbd);
  return 6 * P + 6 * config.nLayer * config.nEmbd * T;
}

/**
 * A model in one line: sizes, options that are not GPT-2's, parameters, and operations per token of a training step.
 *
 * @throws {RangeError} when the config does not hold.
 */
export function summarizeModel(config: GptConfig): string {
  const full = completeConfig(config);
  const { nLayer, nHead, nEmbd, vocabSize, blockSize } = full;
  const sizes = { nLayer, nHead, nEmbd, vocabSize, blockSize };
  const plain = completeConfig(sizes);
  const options = (Object.keys(full) as (keyof typeof full)[]).filter((name) => full[name] !== plain[name]);
  return [
    ...Object.entries(sizes).map(([name, size]) => `${name} ${size}`),
    ...options.map((name) => `${name} ${full[name]}`),
    `${parameterCount(config).toLocaleString("en-US")} parameters`,
    `${flopsPerToken(config, blockSize).toExponential(3)} operations per training token`,
  ].join(", ");
}

/**
 * A model as a table of text: a line for each part with its parameters, then its options and its operations per token.
 * A part that all blocks have is one line, with the parameters of all.
 *
 * @throws {RangeError} when the config does not hold.
 */
export function describeModel(config: GptConfig): string {
  const { nLayer: L, nHead: H, nEmbd: C, vocabSize: V, blockSize, ...options } = completeConfig(config);
  const shapes = Object.entries(parameterShapes(config));
  const count = (matches: (name: string) => boolean) =>
    shapes.reduce((sum, [name, shape]) => matches(name) ? sum + sizeOf(shape) : sum, 0);
  const F = shapes.find(([name]) => name === "h.0.mlp.c_proj.weight")![1][0]!;
  const each = L === 1 ? "" : ` × ${L}`;
  const rows: [part: string, what: string, parameters: number][] = [
    ["token embedding", `${V} × ${C}`, count((name) => name === "wte.weight")],
    ["position embedding", `${blockSize} × ${C}`, count((name) => name === "wpe.weight")],
    [
      `attention${each}`,
      `${H} heads of ${C / H}${options.qkNorm ? ", q and k normed" : ""}`,
      count((name) => /^h\.\d+\.attn\./.test(name)),
    ],
    [
      `feed-forward${each}`,
      `${C} → ${F} → ${C}, ${options.activation}`,
      count((name) => name.includes(".mlp.")),
    ],
    ["LayerNorm", `${2 * L + 1} of ${C}`, count((name) => /(^|\.)ln_[12f]\./.test(name))],
    ["head", options.tiedHead ? "tied" : `${C} × ${V}`, count((name) => name === "lm_head.weight")],
    ["total", "", parameterCount(config)],
  ];
  const texts = rows.map(([part, what, parameters]) =>
    [part, what, parameters.toLocaleString("en-US")] as const
  );
  const width = (column: 0 | 1 | 2) => greatest(texts.map((row) => row[column].length));
  const lines = texts.map(([part, what, parameters]) =>
    `${part.padEnd(width(0))}  ${what.padEnd(width(1))}  ${parameters.padStart(width(2))}`
  );
  const { bias, dropout, initStd, layerNormEps, logitSoftCap, attentionSoftCap } = options;
  const caps = `soft caps: logits ${logitSoftCap ?? "none"}, attention ${attentionSoftCap ?? "none"}`;
  const flops = flopsPerToken(config, blockSize).toExponential(3);
  return [
    ...lines,
    `bias ${bias}, dropout ${dropout}, initial deviation ${initStd}, LayerNorm epsilon ${layerNormEps}, ${caps}`,
    `${flops} operations per token of a training step at T = ${blockSize}`,
  ].join("\n");
}
