/**
 * Loads GPT-2 from Hugging Face's files: a folder with `config.json` and safetensors, in one file or in shards.
 * `save_gpt2.ts` saves models.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { requireRegular } from "../file/regular.ts";
import { parseJson } from "../file/json.ts";
import type { GptConfig } from "./config.ts";
import { fromGpt2Config } from "./gpt2_config.ts";
import { type ParameterRecord, parameterShapes, type ParameterValues } from "./parameters.ts";
import { readSafetensors } from "./safetensors_file.ts";

/** Names of a model's files. */
export const CONFIG = "config.json", WEIGHTS = "model.safetensors", INDEX = "model.safetensors.index.json";

/** Pattern of buffers stored by older versions of transformers: the causal mask and its value. */
const BUFFER = /^h\.\d+\.attn\.(masked_)?bias$/;

/** Name of the head's matrix, in losskit and Hugging Face. */
export const HEAD = "lm_head.weight";

/** A loaded model. */
export interface Gpt2Model {
  /** Its sizes and options. */
  readonly config: GptConfig;
  /** Its parameters, in the order of {@linkcode parameterShapes}. */
  readonly parameters: ParameterRecord;
}

/**
 * Loads a GPT-2 saved by transformers. Parameter names may begin with `transformer.`. The causal masks stored by older
 * versions are ignored.
 *
 * @param path The folder, or one of its safetensors files or the index of its shards, next to `config.json`.
 * @throws {UserError} if files are missing or damaged, or tensors are missing, unexpected or of other shapes. The
 * message lists all of them.
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

/** Returns a tensor's name without the prefix of `GPT2LMHeadModel`. */
function ownName(name: string): string {
  return name.replace(/^transformer\./, "");
}

/** Selects the parameters of a config, or throws an error that lists every problem. */
function pick(
  tensors: ReadonlyMap<string, ParameterValues>,
  { config, path, twice }: { config: GptConfig; path: string; twice: readonly string[] },
): ParameterRecord {
  const shapes = parameterShapes(config);
  const problems = twice.map((name) => `${name} occurs twice`);
  const parameters: ParameterRecord = {};
  for (const [name, shape] of Object.entries(shapes)) {
    const found = tensors.get(name);
    if (found === undefined) problems.push(`${name} is missing, expected [${shape}]`);
    else if (String(found.shape) !== String(shape)) {
      problems.push(`${name} is [${found.shape}], expected [${shape}]`);
    } else parameters[name] = found;
  }
  for (const [name, found] of tensors) {
    if (name in shapes) continue;
    if (name !== HEAD) problems.push(`${name} of [${found.shape}] is not a parameter of this config`);
    else if (!equal(found, tensors.get("wte.weight"))) {
      problems.push(`${HEAD} differs from wte.weight, although the config ties them (tie_word_embeddings)`);
    }
  }
  if (problems.length === 0) return parameters;
  throw new UserError(`Cannot load a GPT-2 from ${path}:\n  ${problems.join("\n  ")}`);
}

function equal(a: ParameterValues, b: ParameterValues | undefined): boolean {
  return b !== undefined && String(a.shape) === String(b.shape) &&
    a.values.every((value, i) => Object.is(value, b.values[i]));
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
    `Cannot load a GPT-2 from ${folder}: expected ${WEIGHTS} or ${INDEX}, got neither`,
  );
}

/** Returns the distinct files listed in an index. */
async function shards(index: string): Promise<string[]> {
  const { weight_map: map } = Object(await readJson(index)) as { weight_map?: unknown };
  const names = typeof map === "object" && map !== null ? [...new Set(Object.values(map))] : [];
  const isName = (name: unknown): name is string => typeof name === "string" && name === basename(name);
  if (names.length === 0 || !names.every(isName)) {
    throw new UserError(
      `Cannot read ${index}: expected a weight_map from tensors to names of files in the same folder`,
    );
  }
  return names.sort().map((name) => join(dirname(index), name));
}

/**
 * Reads a JSON file of a model.
 *
 * @throws {UserError} if it is missing or not JSON.
 */
export async function readJson(path: string): Promise<unknown> {
  const bytes = await readBytes(path);
  try {
    return parseJson(bytes);
  } catch (cause) {
    throw new UserError(`Cannot read ${path}: ${messageOf(cause)}`, { cause });
  }
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    requireRegular(path);
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `Cannot load a GPT-2: expected to read ${path}, but ${
        cause instanceof Deno.errors.NotFound ? "it does not exist" : messageOf(cause)
      }`,
      { cause },
    );
  }
}

/** Returns an error's message. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
