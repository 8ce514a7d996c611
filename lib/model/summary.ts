/**
 * Size and cost of a GPT: FLOPs (floating-point operations) per token, and a table of its parts.
 *
 * @module
 */
import { greatest } from "../number/extent.ts";
import { nameOfArchitecture } from "./architecture.ts";
import { type Architecture, completeConfig, type GptConfig } from "./config.ts";
import { parameterCount, parameterShapes, sizeOf } from "./parameters.ts";

/**
 * Returns the FLOPs per token of one training step, forward and backward: 6 P + 6 L C T.
 *
 * P counts the weights of matrix products, including the head's (tied or not) and excluding embedding tables, whose
 * rows are only read. Each weight is a multiplication and an addition forward, and twice that backward (Kaplan et al.
 * 2020). Forward attention takes 4 C operations per query and key; a causal model has T / 2 keys per query, which gives
 * 2 L C T, and three times that with the backward pass (Chowdhery et al. 2022, halved for the causal mask). Operations
 * proportional to C (LayerNorm, activations, biases) are omitted. A forward pass alone takes a third.
 *
 * @param config Sizes and options.
 * @param T Tokens per sequence, at most the config's `blockSize`.
 * @throws {RangeError} If the config is invalid or T is out of range.
 */
export function flopsPerToken(config: GptConfig, T: number): number {
  const shapes = parameterShapes(config);
  if (!Number.isInteger(T) || T < 1 || T > config.blockSize) {
    throw new RangeError(
      `Cannot count operations: expected an integer T in [1, ${config.blockSize}] (blockSize), got ${T}`,
    );
  }
  const inBlocks = Object.entries(shapes).filter(([name, shape]) =>
    name.startsWith("h.") && shape.length === 2
  );
  const { architecture } = config;
  if (architecture?.flops !== undefined) return architecture.flops(completeConfig(config), T);
  const P = inBlocks.reduce((sum, [, shape]) => sum + sizeOf(shape), config.vocabSize * config.nEmbd);
  return 6 * P + 6 * config.nLayer * config.nEmbd * T;
}

/**
 * Returns a one-line summary: sizes, options that differ from GPT-2's, parameters, and operations per training token.
 *
 * @throws {RangeError} If the config is invalid.
 */
export function summarizeModel(config: GptConfig): string {
  const full = completeConfig(config);
  const { nLayer, nHead, nEmbd, vocabSize, blockSize } = full;
  const sizes = { nLayer, nHead, nEmbd, vocabSize, blockSize };
  const { nInner } = completeConfig({ ...sizes, activation: full.activation }); // not an option of its own
  const plain = { ...completeConfig(sizes), nInner };
  const options = (Object.keys(full) as (keyof typeof full)[]).filter((name) => full[name] !== plain[name]);
  const { architecture } = full;
  return [
    ...Object.entries(sizes).map(([name, size]) => `${name} ${size}`),
    ...options.map((name) =>
      `${name} ${name === "architecture" ? nameOfArchitecture(architecture!) : full[name]}`
    ),
    `${parameterCount(config).toLocaleString("en-US")} parameters`,
    `${flopsPerToken(config, blockSize).toExponential(3)} operations per training token`,
  ].join(", ");
}

/**
 * Returns a table of a model's parts with their parameters, followed by its options and its operations per training
 * token. Parts that all blocks have are one row, with the parameters of all blocks.
 *
 * @throws {RangeError} If the config is invalid.
 */
export function describeModel(config: GptConfig): string {
  const { nLayer: L, nHead: H, nKvHead: G, nEmbd: C, nInner: F, vocabSize: V, blockSize, ...options } =
    completeConfig(
      config,
    );
  const shapes = Object.entries(parameterShapes(config));
  if (options.architecture !== undefined) return describeOwn(config, options.architecture);
  const count = (matches: (name: string) => boolean) =>
    shapes.reduce((sum, [name, shape]) => matches(name) ? sum + sizeOf(shape) : sum, 0);
  const each = L === 1 ? "" : ` × ${L}`;
  const rows: PartRow[] = [
    ["token embedding", `${V} × ${C}`, count((name) => name === "wte.weight")],
    ...(options.position === "learned"
      ? [["position embedding", `${blockSize} × ${C}`, count((name) => name === "wpe.weight")] as const]
      : []),
    [
      `attention${each}`,
      `${H} heads of ${C / H}${G === H ? "" : `, ${G} for k and v`}${
        options.qkNorm ? ", q and k normed" : ""
      }`,
      count((name) => /^h\.\d+\.attn\./.test(name)),
    ],
    [
      `MLP${each}`,
      `${C} → ${F} → ${C}, ${options.activation}`,
      count((name) => name.includes(".mlp.")),
    ],
    [
      options.norm === "rmsNorm" ? "RMSNorm" : "LayerNorm",
      `${2 * L + 1} of ${C}`,
      count((name) => /(^|\.)ln_[12f]\./.test(name)),
    ],
    ["head", options.tiedHead ? "tied" : `${C} × ${V}`, count((name) => name === "lm_head.weight")],
    ["total", "", parameterCount(config)],
  ];
  const lines = linesOf(rows);
  const { bias, dropout, initStd, layerNormEps, logitSoftCap, attentionSoftCap } = options;
  const caps = `soft caps: logits ${logitSoftCap ?? "none"}, attention ${attentionSoftCap ?? "none"}`;
  const { ropeTheta, ropeScaling } = options;
  const rope = options.position === "learned"
    ? ""
    : `, rotary positions of base ${ropeTheta}, scaling ${ropeScaling}`;
  const flops = flopsPerToken(config, blockSize).toExponential(3);
  return [
    ...lines,
    `bias ${bias}, dropout ${dropout}, initial standard deviation ${initStd}, norm epsilon ${layerNormEps}, ${caps}${rope}`,
    `${flops} FLOPs per token of a training step at T = ${blockSize}`,
  ].join("\n");
}

/** A part of a model, its form, and the number of its parameters. */
type PartRow = readonly [part: string, what: string, parameters: number];

/** Returns rows as aligned lines. */
function linesOf(rows: readonly PartRow[]): string[] {
  const texts = rows.map(([part, what, parameters]) =>
    [part, what, parameters.toLocaleString("en-US")] as const
  );
  const width = (column: 0 | 1 | 2) => greatest(texts.map((row) => row[column].length));
  return texts.map(([part, what, parameters]) =>
    `${part.padEnd(width(0))}  ${what.padEnd(width(1))}  ${parameters.padStart(width(2))}`
  );
}

/** Returns a table of the parameters of a user's architecture. Parameters that all blocks have are one row. */
function describeOwn(config: GptConfig, architecture: Architecture): string {
  const rows = new Map<string, PartRow>();
  for (const [name, shape] of Object.entries(parameterShapes(config))) {
    const part = name.replace(/^h\.\d+\./, "h.*.");
    rows.set(part, [part, shape.join(" × "), (rows.get(part)?.[2] ?? 0) + sizeOf(shape)]);
  }
  const flops = flopsPerToken(config, config.blockSize).toExponential(3);
  return [
    nameOfArchitecture(architecture),
    ...linesOf([...rows.values(), ["total", "", parameterCount(config)]]),
    `${flops} operations per token of a training step at T = ${config.blockSize}`,
  ].join("\n");
}
