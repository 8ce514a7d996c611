/**
 * Loads GPT-2 and LLaMA models from Hugging Face's files: a folder with `config.json` and safetensors, in one file or
 * in shards. `save_gpt2.ts` saves models.
 *
 * @module
 */
import { basename, dirname, join } from "node:path";
import { clauseOf, reasonOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { requireRegular } from "../file/regular.ts";
import { parseJson, requireObject } from "../file/json.ts";
import { noteOtherSum } from "../file/sha256sums.ts";
import type { GptConfig } from "./config.ts";
import { HEAD, type Layout, layoutOfFile } from "./_layout.ts";
import type { ParameterRecord, ParameterValues } from "./parameters.ts";
import { readSafetensors } from "./safetensors_file.ts";

/** Names of a model's config, weights, and index of shards. */
export const CONFIG = "config.json", WEIGHTS = "model.safetensors", INDEX = "model.safetensors.index.json";

/** Maximum number of problems that an error lists. */
const MOST_PROBLEMS = 20;

/** Remedy if tensors do not match the config. */
const OTHER_WEIGHTS = "Correct config.json, or copy the folder again.";

/** A model loaded from files. */
export interface Gpt2Model {
  /** Sizes and options of the model. */
  readonly config: GptConfig;
  /** Parameters of the model, in the order of {@linkcode parameterShapes}. */
  readonly parameters: ParameterRecord;
}

/**
 * Loads a GPT-2 or a LLaMA from a folder that transformers saved. Tensor names may have the prefix `transformer.`
 * (GPT-2) or `model.` (LLaMA). Buffers that older versions stored are ignored.
 *
 * @param path The folder, one of its safetensors files, or its index of shards. `config.json` must be in the same
 * folder.
 * @throws {UserError} If a file is missing or damaged, the config has unsupported options, or tensors are missing,
 * unexpected or of the wrong shape. The message lists up to 20 such tensors.
 */
export async function loadGpt2(path: string): Promise<Gpt2Model> {
  const isFolder = await kindOf(path) === "folder";
  const folder = isFolder ? path : dirname(path);
  const configPath = join(folder, CONFIG);
  const json = await readJson(configPath);
  const layout = layoutOfFile(json, configPath);
  const config = layout.fromConfig(json, configPath);
  const ownName = (name: string) => name.startsWith(layout.prefix) ? name.slice(layout.prefix.length) : name;
  const isBuffer = (name: string) => layout.buffer.test(ownName(name));
  const files = isFolder ? await weightFiles(folder) : await filesOf(path);
  const tensors = new Map<string, ParameterValues>();
  const problems: string[] = [];
  for (const [file, listed] of files) {
    const { tensors: found } = await readSafetensors(file, { skip: isBuffer });
    for (const [name, values] of Object.entries(found)) {
      const own = ownName(name);
      if (tensors.has(own)) problems.push(`${own} occurs twice`);
      tensors.set(own, values);
    }
    for (const name of listed) {
      if (Object.hasOwn(found, name) || isBuffer(name)) continue;
      problems.push(`${name} is not in ${basename(file)}, as the index says`);
    }
  }
  return {
    config,
    parameters: layout.fromTensors(pick(tensors, { layout, config, path, problems }), config),
  };
}

/** Returns the tensors that a config requires, or throws an error that lists the problems. */
function pick(
  tensors: ReadonlyMap<string, ParameterValues>,
  { layout, config, path, problems }: { layout: Layout; config: GptConfig; path: string; problems: string[] },
): ParameterRecord {
  if (config.nLayer > tensors.size) { // also bounds the list of shapes
    throw new UserError(
      `Cannot load a ${layout.name} from ${path}: expected the tensors of ${config.nLayer} layers, got ` +
        `${tensors.size} tensors. Copy the folder again.`,
    );
  }
  const shapes = layout.shapes(config);
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
    else if (!equal(found, tensors.get(layout.embeddings))) {
      problems.push(
        `${HEAD} differs from ${layout.embeddings}, although the config ties them (tie_word_embeddings)`,
      );
    }
  }
  if (problems.length === 0) return parameters;
  const more = problems.length - MOST_PROBLEMS;
  if (more > 0) problems.splice(MOST_PROBLEMS, more, `${more} more`);
  throw new UserError(
    problems.length === 1
      ? `Cannot load a ${layout.name} from ${path}: ${problems[0]}. ${OTHER_WEIGHTS}`
      : `Cannot load a ${layout.name} from ${path}:\n  ${problems.join("\n  ")}\n${OTHER_WEIGHTS}`,
  );
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
    throw new UserError(`Cannot load a model from ${path}: ${clauseOf(cause)}. Correct the path.`, { cause });
  }
}

/**
 * Weight files, each with the names of the tensors that the index assigns to it. Without an index, the lists of names
 * are empty.
 */
type WeightFiles = Map<string, string[]>;

async function weightFiles(folder: string): Promise<WeightFiles> {
  const whole = join(folder, WEIGHTS);
  if (await kindOf(whole) === "file") return await filesOf(whole);
  const index = join(folder, INDEX);
  if (await kindOf(index) === "file") return await filesOf(index);
  throw new UserError(
    `Cannot load a model from ${folder}: expected ${WEIGHTS} or ${INDEX}, got neither. Save the weights there with ` +
      "transformers' save_pretrained.",
  );
}

/** Returns a safetensors file, or the files that an index lists. */
async function filesOf(path: string): Promise<WeightFiles> {
  if (!path.endsWith(".json")) return new Map([[path, []]]);
  const { weight_map: map } = await readJson(path);
  const entries = typeof map === "object" && map !== null ? Object.entries(map) : [];
  const isName = (name: unknown): name is string => typeof name === "string" && name === basename(name);
  const files: WeightFiles = new Map();
  for (const [tensor, name] of entries) {
    if (!isName(name)) break;
    const file = join(dirname(path), name);
    files.set(file, [...files.get(file) ?? [], tensor]);
  }
  if (files.size > 0 && entries.every(([, name]) => isName(name))) return files;
  throw new UserError(
    `Cannot read ${path}: expected a weight_map from tensors to names of files in the same folder. Copy the file again.`,
  );
}

/**
 * Reads a JSON file of a model.
 *
 * @throws {UserError} If the file is missing or not a JSON object.
 */
export async function readJson(path: string): Promise<Record<string, unknown>> {
  const bytes = await readBytes(path);
  try {
    return requireObject(parseJson(bytes));
  } catch (cause) {
    throw new UserError(`Cannot read ${path}: ${reasonOf(cause)}. Copy the file again.`, { cause });
  }
}

async function readBytes(path: string): Promise<Uint8Array<ArrayBuffer>> {
  try {
    requireRegular(path);
    noteOtherSum(path);
    return await Deno.readFile(path);
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(
      `Cannot load a model: expected to read ${path}, but ${
        cause instanceof Deno.errors.NotFound ? "it does not exist" : clauseOf(cause)
      }. Copy the folder again.`,
      { cause },
    );
  }
}
