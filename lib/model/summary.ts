/**
 * Size and cost of a GPT: parameters and floating-point operations (FLOPs).
 *
 * @module
 */
import { greatest } from "../number/extent.ts";
import { padEnd, widthOf } from "../progress/width.ts";
import { nameOfArchitecture } from "./architecture.ts";
import { type Architecture, completeConfig, type GptConfig } from "./config.ts";
import { parameterCount, parameterShapes, sizeOf } from "./parameters.ts";

/**
 * Returns the FLOPs per token of one training step, forward and backward: 6 P + 6 L C T.
 *
 * P is the number of weights in matrix products: the matrices of the blocks and the output head, tied or not. Embedding
 * tables do not count, because their rows are only looked up. Each weight takes a multiplication and an addition in the
 * forward pass, and twice that in the backward pass (Kaplan et al. 2020).
 *
 * 6 L C T is the cost of attention in L blocks of width C. Each pair of a query and a key takes 4 C operations in the forward pass. A
 * causal model has T / 2 keys per query on average, which gives 2 L C T. The backward pass takes twice that (Chowdhery
 * et al. 2022, halved for the causal mask).
 *
 * Norms, activations and biases are omitted. A forward pass alone takes a third. An architecture with a `flops`
 * function uses that function instead.
 *
 * @param config Sizes and options of the model.
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
  if (architecture?.flops !== undefined) {
    const flops: unknown = architecture.flops(Object.freeze(completeConfig(config)), T);
    if (Number.isFinite(flops) && flops as number >= 0) return flops as number;
    throw new RangeError(
      `Cannot use ${
        nameOfArchitecture(architecture)
      }: expected flops() to return a number of at least 0, got ${flops}.`,
    );
  }
  const P = inBlocks.reduce((sum, [, shape]) => sum + sizeOf(shape), config.vocabSize * config.nEmbd);
  return 6 * P + 6 * config.nLayer * config.nEmbd * T;
}

/**
 * Returns a one-line summary: sizes, options that differ from GPT-2's, number of parameters, and FLOPs per training
 * token.
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
 * Returns a table of the parts of a model and their numbers of parameters, followed by the model's options and its
 * FLOPs per training token. One row counts a part in all blocks.
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

/** A row of the table: a part of a model, its shape or kind, and its number of parameters. */
type PartRow = readonly [part: string, what: string, parameters: number];

/** Formats rows as aligned lines. */
function linesOf(rows: readonly PartRow[]): string[] {
  const texts = rows.map(([part, what, parameters]) =>
    [part, what, parameters.toLocaleString("en-US")] as const
  );
  const width = (column: 0 | 1 | 2) => greatest(texts.map((row) => widthOf(row[column])));
  return texts.map(([part, what, parameters]) =>
    `${padEnd(part, width(0))}  ${padEnd(what, width(1))}  ${parameters.padStart(width(2))}`
  );
}

/** Returns a table of the parameters of a user's architecture. One row counts a parameter in all blocks. */
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
