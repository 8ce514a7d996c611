/**
 * GPT-2 as Hugging Face keeps it: a folder with `config.json` and safetensors, in one file or in shards. No tensors of
 * TensorFlow.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { parseJson } from "../file/json.ts";
import { completeConfig, type GptConfig } from "./config.ts";
import { fromGpt2Config, toGpt2Config } from "./gpt2_config.ts";
import { type ParameterRecord, parameterShapes, type ParameterValues, sizeOf } from "./parameters.ts";
import { readSafetensors, writeSafetensors } from "./safetensors_file.ts";
import { STORED_BYTES, type StoredDtype } from "./_stored_numbers.ts";

const CONFIG = "config.json", WEIGHTS = "model.safetensors", INDEX = "model.safetensors.index.json";

/** What older versions of transformers stored besides parameters: the causal mask and its value. */
const BUFFER = /^h\.\d+\.attn\.(masked_)?bias$/;

/** The names of files with weights, and of their index. */
const WEIGHT_FILE = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

/** The head's matrix, in our names and Hugging Face's. */
const HEAD = "lm_head.weight";

/** A model that was read. */
export interface Gpt2Model {
  /** Its sizes and options. */
  readonly config: GptConfig;
  /** Its parameters, in the order of {@linkcode parameterShapes}. */
  readonly parameters: ParameterRecord;
}

/**
 * Reads a GPT-2 that transformers saved: names with or without `transformer.`, the causal masks that older versions
 * stored left out.
 *
 * @param path The folder, or one of its safetensors files (or the index of its shards), `config.json` beside it.
 * @throws {UserError} when files are missing or damaged, or tensors are missing, too many or of other shapes: all of
 * them are listed.
 */
export async function loadGpt2(path: string): Promise<Gpt2Model> {
  const isFolder = await kindOf(path) === "folder";
  const folder = isFolder ? path : dirname(path);
  const configPath = join(folder, CONFIG);
  const config = fromGpt2Config(await readJson(configPath), configPath);
  const files = isFolder ? await weightFiles(folder) : path.endsWith(".json") ? await shards(path) : [path];
  const tensors = new Map<string, ParameterValues>();
  const twice: string[] = [];
  for (const file of files) {
    const { tensors: found } = await readSafetensors(file, { skip: (name) => BUFFER.test(ownName(name)) });
    for (const [name, values] of Object.entries(found)) {
      const own = ownName(name);
      if (tensors.has(own)) twice.push(own);
      tensors.set(own, values);
    }
  }
  return { config, parameters: pick(tensors, { config, path, twice }) };
}

/** A tensor's name without what `GPT2LMHeadModel` puts before it. */
function ownName(name: string): string {
  return name.replace(/^transformer\./, "");
}

/** The parameters that a config wants, or an error with everything that is wrong. */
function pick(
  tensors: ReadonlyMap<string, ParameterValues>,
  { config, path, twice }: { config: GptConfig; path: string; twice: readonly string[] },
): ParameterRecord {
  const shapes = parameterShapes(config);
  const problems = twice.map((name) => `${name} is there twice`);
  const parameters: ParameterRecord = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const found = tensors.get(name);
    if (found === undefined) problems.push(`${name} is missing, wanted [${shape}]`);
    else if (String(found.shape) !== String(shape)) {
      problems.push(`${name} is [${found.shape}], wanted [${shape}]`);
    } else parameters[name] = found;
  }
  for (const [name, found] of tensors) {
    if (name in shapes) continue;
    if (name !== HEAD) problems.push(`${name} of [${found.shape}] belongs to no GPT-2 of this config`);
    else if (!equal(found, tensors.get("wte.weight"))) {
      problems.push(`${HEAD} is not wte.weight, though the config ties them (tie_word_embeddings)`);
    }
  }
  if (problems.length === 0) return parameters;
  throw new UserError(`Cannot load a GPT-2 from ${path}:\n  ${problems.join("\n  ")}`);
}

function equal(a: ParameterValues, b: ParameterValues | undefined): boolean {
  return b !== undefined && String(a.shape) === String(b.shape) &&
    a.values.every((value, i) => Object.is(value, b.values[i]));
}

/** How a model is written. */
export interface SaveGpt2Options {
  /** How numbers are held: `F32`, `BF16` or `F16`, each rounded once to the nearest. Default: as the model was read. */
  readonly dtype?: StoredDtype | undefined;
  /**
   * The most bytes of tensors in a file, at least 1; a larger model is written in shards, beside an index. A tensor
   * larger than that gets a file of its own. Default: 5e9, transformers' choice.
   */
  readonly maxShardBytes?: number | undefined;
}

/**
 * Writes a model as transformers' `GPT2LMHeadModel` loads it: `config.json` and `model.safetensors`, or shards and their
 * index. A model without biases gets biases of 0, which compute the same.
 *
 * @param folder Made if it is not there. Each file is replaced whole; weights of another model are removed at the end.
 * @param model Its config and parameters.
 * @param options How numbers are held, and when to write shards.
 * @throws {RangeError} when the config has options that GPT-2 has not, parameters are not those of the config, or an
 * option does not fit.
 * @throws {UserError} when the folder cannot be written.
 */
export async function saveGpt2(
  folder: string,
  model: Gpt2Model,
  options: SaveGpt2Options = {},
): Promise<void> {
  const { dtype, maxShardBytes = 5e9 } = options;
  if (!(maxShardBytes >= 1)) {
    throw new RangeError(
      `Cannot save the model as a GPT-2: maxShardBytes must be a number of at least 1: it is ${maxShardBytes}`,
    );
  }
  const json = toGpt2Config(model.config);
  const tensors = Object.entries(transformersTensors(model)).map(([name, { dtype: own, ...tensor }]) =>
    [name, { ...tensor, dtype: dtype ?? own ?? "F32" }] as const
  );
  const shards = inShards(tensors, maxShardBytes);
  try {
    await Deno.mkdir(folder, { recursive: true });
    const before = [...Deno.readDirSync(folder)].map(({ name }) => name).filter((name) =>
      WEIGHT_FILE.test(name)
    );
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
    atomicWrite(join(folder, CONFIG), `${JSON.stringify(json, null, 2)}\n`);
    for (const name of before) if (!written.includes(name)) await Deno.remove(join(folder, name));
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`Cannot save the model in ${folder}: ${messageOf(cause)}`, { cause });
  }
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

async function kindOf(path: string): Promise<"folder" | "file" | "nothing"> {
  try {
    return (await Deno.stat(path)).isDirectory ? "folder" : "file";
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return "nothing";
    throw new UserError(`Cannot load a GPT-2 from ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function weightFiles(folder: string): Promise<string[]> {
  const whole = join(folder, WEIGHTS);
  if (await kindOf(whole) === "file") return [whole];
  const index = join(folder, INDEX);
  if (await kindOf(index) === "file") return await shards(index);
  throw new UserError(
    `Cannot load a GPT-2 from ${folder}: wanted ${WEIGHTS} or ${INDEX} in it: it has neither`,
  );
}

/** The files that an index names, each once. */
async function shards(index: string): Promise<string[]> {
  const { weight_map: map } = Object(await readJson(index)) as { weight_map?: unknown };
  const names = typeof map === "object" && map !== null ? [...new Set(Object.values(map))] : [];
  const isName = (name: unknown): name is string => typeof name === "string" && name === basename(name);
  if (names.length === 0 || !names.every(isName)) {
    throw new UserError(
      `Cannot read ${index}: wanted a weight_map from tensors to the names of files beside it`,
    );
  }
  return names.sort().map((name) => join(dirname(index), name));
}

async function readJson(path: string): Promise<unknown> {
  const bytes = await readBytes(path);
  try {
    return parseJson(bytes);
  } catch (cause) {
    throw new UserError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await Deno.readFile(path);
  } catch (cause) {
    throw new UserError(
      `Cannot load a GPT-2: wanted to read ${path}: ${
        cause instanceof Deno.errors.NotFound ? "it does not exist" : messageOf(cause)
      }`,
      { cause },
    );
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
