/**
 * Saves a GPT-2 in Hugging Face's files, as transformers' `AutoModelForCausalLM` and `AutoTokenizer` load it: weights,
 * `config.json`, the tokenizer's files and `generation_config.json`.
 *
 * @module
 */
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { atomicWrite, syncFolder } from "../file/atomic_write.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { completeConfig } from "./config.ts";
import { CONFIG, type Gpt2Model, HEAD, INDEX, messageOf, WEIGHTS } from "./gpt2_files.ts";
import { toGpt2Config } from "./gpt2_config.ts";
import { companionFiles, type FileContents, GENERATION, TOKENIZER_FILES } from "./_gpt2_companions.ts";
import { type ParameterRecord, parameterShapes, type ParameterValues, sizeOf } from "./parameters.ts";
import { writeSafetensors } from "./safetensors_file.ts";
import { STORED_BYTES, type StoredDtype } from "./_stored_numbers.ts";

/** The names of files with weights, and of their index. */
const WEIGHT_FILE = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

/** How a model is saved. */
export interface SaveGpt2Options {
  /** How numbers are held: `F32`, `BF16` or `F16`, each rounded once to the nearest. Default: as the model was read. */
  readonly dtype?: StoredDtype | undefined;
  /**
   * The most bytes of tensors in a file, at least 1; a larger model is written in shards, beside an index. A tensor
   * larger than that gets a file of its own. Default: 5e9, transformers' choice.
   */
  readonly maxShardBytes?: number | undefined;
  /** The model's tokenizer. Default: none is written. */
  readonly tokenizer?: Tokenizer | undefined;
  /**
   * The folder of Hugging Face's files that the model was loaded from. Its tokenizer's files and its config are kept as
   * they are, and `tokenizer` is written only if the folder has none. Default: none.
   */
  readonly source?: string | undefined;
  /** Whether other files of the same names are replaced. Default: false, they are an error. */
  readonly overwrite?: boolean | undefined;
}

/**
 * Saves a model as transformers loads it: `config.json`, `generation_config.json`, the tokenizer's files, and
 * `model.safetensors`, or shards and their index. A model without biases gets biases of 0, which compute the same.
 *
 * Files that are there are left alone: a file of the same name with another content is an error, unless `overwrite` is
 * set. Saving into `source` itself replaces its weights and `config.json`, and leaves its tokenizer.
 *
 * @param folder Made if it is missing. Each file is replaced whole; weights and tokenizer files of another model are removed at the end.
 * @param model Its config and parameters.
 * @param options Number format, shards, tokenizer.
 * @returns The names of files that were replaced.
 * @throws {RangeError} if the config has options that GPT-2 has not, parameters are not those of the config, or an
 * option does not fit.
 * @throws {UserError} if files are in the way, or the folder cannot be written.
 */
export async function saveGpt2(
  folder: string,
  model: Gpt2Model,
  options: SaveGpt2Options = {},
): Promise<string[]> {
  const { dtype, maxShardBytes = 5e9, overwrite = false } = options;
  if (!(maxShardBytes >= 1)) {
    throw new RangeError(
      `Cannot save the model as a GPT-2: maxShardBytes must be a number of at least 1: it is ${maxShardBytes}`,
    );
  }
  toGpt2Config(model.config); // refuses options that GPT-2 has not
  const tensors = Object.entries(transformersTensors(model)).map(([name, { dtype: own, ...tensor }]) =>
    [name, { ...tensor, dtype: dtype ?? own ?? "F32" }] as const
  );
  const files = await companionFiles(model.config, {
    ...options,
    tensors: tensors.map(([, tensor]) => tensor),
  });
  const shards = inShards(tensors, maxShardBytes);
  try {
    await Deno.mkdir(folder, { recursive: true });
    const inPlace = options.source !== undefined && isSame(options.source, folder);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    // Files of another tokenizer would be read with the new one's.
    const writesTokenizer = TOKENIZER_FILES.some((name) => files.has(name)) && !inPlace;
    const stale = names.filter((name) =>
      WEIGHT_FILE.test(name) || writesTokenizer && TOKENIZER_FILES.includes(name) && !files.has(name)
    );
    const changed = [...files].filter(([name, content]) => differs(join(folder, name), content));
    const others = [...stale, ...changed.map(([name]) => name)].sort();
    if (!overwrite) requireFree(folder, others.filter((name) => !(inPlace && isOfModel(name))));
    // Until all weights are there, the folder is no model: a reader never takes new weights for those of an old config.
    await Deno.remove(join(folder, CONFIG)).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
    syncFolder(folder);
    const written = shards.map((shard, i) => {
      const name = shards.length === 1 ? WEIGHTS : shardName(i, shards.length);
      // transformers wants to be told what wrote the tensors; "pt" stands for its own layout.
      writeSafetensors(join(folder, name), { tensors: shard, metadata: { format: "pt" } });
      return name;
    });
    if (shards.length > 1) {
      const names = shards.flatMap((shard, i) =>
        Object.keys(shard).map((name) => [name, written[i]!] as const)
      );
      const total_size = tensors.reduce((sum, [, tensor]) => sum + bytesOf(tensor), 0);
      const index = { metadata: { total_size }, weight_map: Object.fromEntries(names) };
      atomicWrite(join(folder, INDEX), `${JSON.stringify(index, null, 2)}\n`);
      written.push(INDEX);
    }
    for (const name of stale) if (!written.includes(name)) await Deno.remove(join(folder, name));
    const configLast = [...files].sort(([a], [b]) => Number(a === CONFIG) - Number(b === CONFIG));
    for (const [name, content] of configLast) atomicWrite(join(folder, name), content);
    return others;
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`Cannot save the model in ${folder}: ${messageOf(cause)}`, { cause });
  }
}

/** Whether a file belongs to the model, not to its tokenizer. */
function isOfModel(name: string): boolean {
  return name === CONFIG || name === GENERATION || WEIGHT_FILE.test(name);
}

function requireFree(folder: string, names: readonly string[]): void {
  if (names.length === 0) return;
  throw new UserError(
    `Cannot save the model in ${folder}: expected no files of another model, got ${names.join(", ")}. ` +
      "Choose another folder, or replace them with --overwrite.",
  );
}

/** Whether a file is there with another content. */
function differs(path: string, content: FileContents): boolean {
  try {
    const found = Deno.readFileSync(path);
    const wanted = typeof content === "string" ? new TextEncoder().encode(content) : content;
    return found.length !== wanted.length || found.some((byte, i) => byte !== wanted[i]);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function isSame(a: string, b: string): boolean {
  return Deno.realPathSync(a) === Deno.realPathSync(b);
}

/** A model's tensors by the names that transformers gives them. */
function transformersTensors({ config, parameters }: Gpt2Model): ParameterRecord {
  const { bias } = completeConfig(config);
  const own = parameterShapes(config);
  const tensors: ParameterRecord = {};
  for (const [name, shape] of Object.entries(parameterShapes({ ...config, bias: true }))) {
    const isMadeUp = !bias && !(name in own);
    const found = isMadeUp ? { shape, values: new Float32Array(shape[0]!) } : parameters[name];
    if (found === undefined || String(found.shape) !== String(shape)) {
      throw new RangeError(
        `Cannot save the model as a GPT-2: wanted ${name} of shape [${shape}]: ` +
          `it ${found === undefined ? "is missing" : `has the shape [${found.shape}]`}`,
      );
    }
    tensors[name === HEAD ? name : `transformer.${name}`] = found;
  }
  const extra = Object.keys(parameters).filter((name) => !(name in own));
  if (extra.length > 0) {
    throw new RangeError(
      `Cannot save the model as a GPT-2: wanted the parameters of its config only: given ${
        extra.join(", ")
      } too`,
    );
  }
  return tensors;
}

/** A tensor whose form in the file is known. */
type StoredValues = ParameterValues & { dtype: StoredDtype };

function bytesOf({ shape, dtype }: StoredValues): number {
  return sizeOf(shape) * STORED_BYTES[dtype];
}

/** Tensors in as few files as their order allows, none above `most` bytes but with a single tensor. */
function inShards(tensors: readonly (readonly [string, StoredValues])[], most: number): ParameterRecord[] {
  const shards: ParameterRecord[] = [];
  let bytes = Infinity;
  for (const [name, tensor] of tensors) {
    if (bytes + bytesOf(tensor) > most) {
      shards.push({});
      bytes = 0;
    }
    shards.at(-1)![name] = tensor;
    bytes += bytesOf(tensor);
  }
  return shards;
}

/** `model-00002-of-00003.safetensors`: the name of shard `i`, from 0. */
function shardName(i: number, of: number): string {
  const five = (n: number) => String(n).padStart(5, "0");
  return `model-${five(i + 1)}-of-${five(of)}.safetensors`;
}
