/**
 * Layouts of Hugging Face's model files: the names and shapes of their tensors, and the conversion from and to
 * losskit's parameters.
 *
 * @module
 */
import { shownValue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { completeConfig, type GptConfig } from "./config.ts";
import { fromGpt2Config, toGpt2Config } from "./gpt2_config.ts";
import { fromLlamaConfig, toLlamaConfig, unlikeLlama } from "./llama_config.ts";
import { type ParameterRecord, parameterShapes, type ParameterValues } from "./parameters.ts";

/** Name of the output head's matrix, in losskit and in Hugging Face's files. */
export const HEAD = "lm_head.weight";

/** Layout of the model files of an architecture. */
export interface Layout {
  /** Name of the architecture, for messages. */
  readonly name: "GPT-2" | "LLaMA";
  /**
   * Prefix of the names of all tensors except the head, with its period. Files that were saved without a head have no
   * prefix.
   */
  readonly prefix: string;
  /** Pattern of the names of stored buffers, without the prefix. Buffers are ignored. */
  readonly buffer: RegExp;
  /** Name of the token embeddings, without the prefix. */
  readonly embeddings: string;
  /** Converts a `config.json` to losskit's config. */
  readonly fromConfig: (json: unknown, name: string) => GptConfig;
  /** Converts losskit's config to a `config.json`. */
  readonly toConfig: (
    config: GptConfig,
    options?: { end?: number | null | undefined },
  ) => Record<string, unknown>;
  /** Returns the shapes of the tensors by name, without the prefix. */
  readonly shapes: (config: GptConfig) => Record<string, number[]>;
  /**
   * Converts tensors to losskit's parameters. The tensors' names have no prefix, and their shapes are validated before.
   */
  readonly fromTensors: (tensors: ParameterRecord, config: GptConfig) => ParameterRecord;
  /**
   * Converts losskit's parameters to tensors. The tensors' names have no prefix; the parameters' shapes are validated
   * before.
   */
  readonly toTensors: (parameters: ParameterRecord, config: GptConfig) => ParameterRecord;
}

const GPT2: Layout = {
  name: "GPT-2",
  prefix: "transformer.",
  // Older versions of transformers store the causal mask and its value.
  buffer: /^h\.\d+\.attn\.(masked_)?bias$/,
  embeddings: "wte.weight",
  fromConfig: fromGpt2Config,
  toConfig: toGpt2Config,
  shapes: parameterShapes,
  fromTensors: (tensors) => tensors,
  toTensors: (parameters, config) =>
    Object.fromEntries(
      // GPT-2 has biases. Biases of 0 are equivalent to none.
      Object.entries(parameterShapes({ ...config, bias: true })).map(([name, shape]) => [
        name,
        parameters[name] ?? { shape, values: new Float32Array(shape[0]!) },
      ]),
    ),
};

/** Returns the number of columns of the queries (q), and of the keys or values (kv). */
function columnsOf(config: GptConfig): { q: number; kv: number } {
  const { nEmbd: C, nHead, nKvHead } = completeConfig(config);
  return { q: C, kv: C / nHead * nKvHead };
}

/**
 * Returns the shapes of a block's tensors. Matrices are [out, in]. Queries, keys and values are separate, as are the
 * two halves of the MLP's first matrix.
 */
function blockShapes(config: GptConfig): Record<string, number[]> {
  const { nEmbd: C, nInner: F } = completeConfig(config);
  const { q, kv } = columnsOf(config);
  return {
    "input_layernorm.weight": [C],
    "self_attn.q_proj.weight": [q, C],
    "self_attn.k_proj.weight": [kv, C],
    "self_attn.v_proj.weight": [kv, C],
    "self_attn.o_proj.weight": [C, q],
    "post_attention_layernorm.weight": [C],
    "mlp.gate_proj.weight": [F, C],
    "mlp.up_proj.weight": [F, C],
    "mlp.down_proj.weight": [C, F],
  };
}

/** Parameters of a block, each with the tensors of which it consists. */
const BLOCK: readonly (readonly [parameter: string, tensors: readonly string[]])[] = [
  ["ln_1", ["input_layernorm"]],
  ["attn.c_attn", ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"]],
  ["attn.c_proj", ["self_attn.o_proj"]],
  ["ln_2", ["post_attention_layernorm"]],
  ["mlp.c_fc", ["mlp.gate_proj", "mlp.up_proj"]],
  ["mlp.c_proj", ["mlp.down_proj"]],
];

/** Parameters outside of the blocks, each with the tensor that holds its values. */
const OUTSIDE: readonly (readonly [parameter: string, tensor: string])[] = [
  ["wte.weight", "embed_tokens.weight"],
  ["ln_f.weight", "norm.weight"],
];

const LLAMA: Layout = {
  name: "LLaMA",
  prefix: "model.",
  // Older versions of transformers store the frequencies of each layer, or once.
  buffer: /^(layers\.\d+\.self_attn\.)?rotary_emb\.inv_freq$/,
  embeddings: "embed_tokens.weight",
  fromConfig: fromLlamaConfig,
  toConfig: toLlamaConfig,
  shapes: (config) => {
    const { nEmbd: C, vocabSize: V, tiedHead } = completeConfig(config);
    const block = Object.entries(blockShapes(config));
    const shapes: Record<string, number[]> = { "embed_tokens.weight": [V, C] };
    for (let i = 0; i < config.nLayer; i++) {
      for (const [name, shape] of block) shapes[`layers.${i}.${name}`] = shape;
    }
    shapes["norm.weight"] = [C];
    if (!tiedHead) shapes[HEAD] = [V, C];
    return shapes;
  },
  fromTensors: (tensors, config) => {
    const outside = OUTSIDE.map(([own, name]) => [own, tensors[name]!] as const);
    const inBlocks = Array.from({ length: config.nLayer }, (_, i) =>
      BLOCK.map(([own, names]) =>
        [
          `h.${i}.${own}.weight`,
          joined(names.map((name) => tensors[`layers.${i}.${name}.weight`]!)),
        ] as const
      )).flat();
    const all = Object.fromEntries([
      ...outside,
      ...inBlocks,
      ...(tensors[HEAD] ? [[HEAD, tensors[HEAD]] as const] : []),
    ]);
    return Object.fromEntries(Object.keys(parameterShapes(config)).map((name) => [name, all[name]!]));
  },
  toTensors: (parameters, config) => {
    const shapes = LLAMA.shapes(config);
    const tensors: ParameterRecord = Object.fromEntries(
      OUTSIDE.map(([own, name]) => [name, parameters[own]!] as const),
    );
    if (parameters[HEAD] !== undefined) tensors[HEAD] = parameters[HEAD];
    for (let i = 0; i < config.nLayer; i++) {
      for (const [own, names] of BLOCK) {
        const full = names.map((name) => `layers.${i}.${name}.weight`);
        const parts = separated(parameters[`h.${i}.${own}.weight`]!, full.map((name) => shapes[name]!));
        full.forEach((name, k) => tensors[name] = parts[k]!);
      }
    }
    return Object.fromEntries(Object.keys(shapes).map((name) => [name, tensors[name]!]));
  },
};

/** Transposes matrices [out, in] and concatenates them to one matrix [in, sum of out]. Returns a vector unchanged. */
function joined(parts: readonly ParameterValues[]): ParameterValues {
  const [first] = parts as [ParameterValues];
  if (first.shape.length === 1) return first;
  const rows = first.shape[1]!, columns = parts.reduce((sum, { shape }) => sum + shape[0]!, 0);
  const values = new Float32Array(rows * columns);
  let begin = 0;
  for (const part of parts) {
    const out = part.shape[0]!;
    for (let o = 0; o < out; o++) {
      for (let i = 0; i < rows; i++) values[i * columns + begin + o] = part.values[o * rows + i]!;
    }
    begin += out;
  }
  const dtype = parts.every((part) => part.dtype === first.dtype) ? first.dtype : undefined;
  return { shape: [rows, columns], values, ...(dtype !== undefined && { dtype }) };
}

/** Splits a matrix [in, sum of out] into transposed matrices [out, in]. This is the inverse of {@linkcode joined}. */
function separated(whole: ParameterValues, shapes: readonly (readonly number[])[]): ParameterValues[] {
  if (whole.shape.length === 1) return [whole];
  const [rows, columns] = whole.shape as [number, number];
  let begin = 0;
  return shapes.map((shape) => {
    const out = shape[0]!;
    const values = new Float32Array(out * rows);
    for (let o = 0; o < out; o++) {
      for (let i = 0; i < rows; i++) values[o * rows + i] = whole.values[i * columns + begin + o]!;
    }
    begin += out;
    return { ...whole, shape: [...shape], values };
  });
}

/** Layouts by transformers' model type. */
const LAYOUTS: Readonly<Record<string, Layout>> = { gpt2: GPT2, llama: LLAMA };

/**
 * Returns the layout that a folder's `config.json` names by its model type, else by its class. Default: GPT-2.
 *
 * @param name Name of the file, for errors.
 * @throws {UserError} For a model of another type.
 */
export function layoutOfFile(
  { model_type: type, architectures }: Readonly<Record<string, unknown>>,
  name: string,
): Layout {
  if (type === undefined) return String(architectures).startsWith("Llama") ? LLAMA : GPT2;
  const found = typeof type === "string" && Object.hasOwn(LAYOUTS, type) ? LAYOUTS[type] : undefined;
  if (found !== undefined) return found;
  throw new UserError(
    `Cannot use ${name}: expected model_type to be ${Object.keys(LAYOUTS).join(" or ")}, got ${
      shownValue(type)
    }. ` +
      "Use a GPT-2 or a LLaMA.",
  );
}

/** Returns the layout in which a model is saved: LLaMA's if LLaMA has all options of the config, else GPT-2's. */
export function layoutOf(config: GptConfig): Layout {
  return unlikeLlama(config).length === 0 ? LLAMA : GPT2;
}
