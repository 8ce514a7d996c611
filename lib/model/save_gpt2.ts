/**
 * Saves a GPT-2 or a LLaMA in Hugging Face's files, for transformers' `AutoModelForCausalLM` and `AutoTokenizer`:
 * weights, `config.json`, the tokenizer's files and `generation_config.json`. `SHA256SUMS` holds the checksums of these
 * files.
 *
 * @module
 */
import { join } from "node:path";
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { clauseOf } from "../error/clause.ts";
import { UserError } from "../error/user_error.ts";
import { atomicWrite, syncFolder } from "../file/atomic_write.ts";
import { readRegular } from "../file/regular.ts";
import { sumOf } from "../file/checksums.ts";
import { SUMS, sumsText } from "../file/sha256sums.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import { HEAD, type Layout, layoutOf } from "./_layout.ts";
import { CONFIG, type Gpt2Model, INDEX, WEIGHTS } from "./gpt2_files.ts";
import { companionFiles, type FileContents, TOKENIZER_FILES } from "./_gpt2_companions.ts";
import { type ParameterRecord, parameterShapes, type ParameterValues, sizeOf } from "./parameters.ts";
import { encodeSafetensors } from "./safetensors.ts";
import { STORED_BYTES, type StoredDtype } from "./_stored_numbers.ts";

/** Pattern of the names of weight files, and of the index of shards. */
const WEIGHT_FILE = /^model(-\d{5}-of-\d{5})?\.safetensors(\.index\.json)?$/;

/** Options for saving a model. */
export interface SaveGpt2Options {
  /**
   * Type in which weights are stored: `F32`, `BF16` or `F16`. Each value is rounded once, to nearest. Default: the type
   * that each weight had when the model was loaded, else `F32`.
   */
  readonly dtype?: StoredDtype | undefined;
  /**
   * Maximum bytes of tensors per file, at least 1. A larger model is written in several files (shards) with an index. A
   * tensor that exceeds the maximum gets a file of its own. Default: 5e9, as in transformers.
   */
  readonly maxShardBytes?: number | undefined;
  /** Tokenizer of the model. Default: no tokenizer is written. */
  readonly tokenizer?: Tokenizer | undefined;
  /**
   * Folder from which the model was loaded. Its tokenizer files are copied, and its config if it still matches the
   * model. `tokenizer` is then written only if the folder has no tokenizer. Default: none.
   */
  readonly source?: string | undefined;
  /** True to replace existing files of a model. Default: false. Existing files with other content are then an error. */
  readonly overwrite?: boolean | undefined;
}

/** Names of all options. */
const NAMES = optionNames<SaveGpt2Options>({
  dtype: true,
  maxShardBytes: true,
  tokenizer: true,
  source: true,
  overwrite: true,
});

/**
 * Saves a model for transformers, as a LLaMA if LLaMA has all of its options, else as a GPT-2. A GPT-2 without biases
 * is saved with biases of 0, which are equivalent.
 *
 * The folder gets `config.json`, `generation_config.json`, the tokenizer's files, `SHA256SUMS`, and `model.safetensors`
 * or shards with their index. Existing files with other content are an error unless `overwrite` is set. Saving into
 * `source` itself also requires `overwrite`; the weights are replaced and the tokenizer is kept.
 *
 * @param folder Created if missing. Files are replaced atomically. With `overwrite`, weight and tokenizer files that
 * remain from another model are removed.
 * @param model Config and parameters of the model.
 * @param options Stored type, size of shards, tokenizer, source, and overwriting.
 * @returns The names of the replaced and removed files.
 * @throws {RangeError} If the model's options fit neither GPT-2 nor LLaMA, parameters do not match the config, or an
 * option is unknown or out of range.
 * @throws {UserError} If existing files conflict, or the folder cannot be written.
 */
export async function saveGpt2(
  folder: string,
  model: Gpt2Model,
  options: SaveGpt2Options = {},
): Promise<string[]> {
  requireKnownNames(options, NAMES, "save the model");
  const { dtype, maxShardBytes = 5e9, overwrite = false } = options;
  if (!(maxShardBytes >= 1)) {
    throw new RangeError(
      `Cannot save the model as a GPT-2: expected a number >= 1 for maxShardBytes, got ${maxShardBytes}`,
    );
  }
  if (model.config.architecture !== undefined) {
    throw new RangeError(
      "Cannot save the model for transformers: expected a GPT-2 or LLaMA, got a model with an architecture of its own. " +
        "Use writeSafetensors for its parameters.",
    );
  }
  const layout = layoutOf(model.config);
  layout.toConfig(model.config); // throws for options that the architecture does not have
  const tensors = Object.entries(transformersTensors(model, layout)).map((
    [name, { dtype: own, ...tensor }],
  ) => [name, { ...tensor, dtype: dtype ?? own ?? "F32" }] as const);
  const files = await companionFiles(model.config, {
    ...options,
    tensors: tensors.map(([, tensor]) => tensor),
  });
  const shards = inShards(tensors, maxShardBytes);
  try {
    await Deno.mkdir(folder, { recursive: true });
    const inPlace = options.source !== undefined && isSame(options.source, folder);
    const names = [...Deno.readDirSync(folder)].map(({ name }) => name);
    // Files of another tokenizer would be mixed with the new one's.
    const writesTokenizer = TOKENIZER_FILES.some((name) => files.has(name)) && !inPlace;
    const stale = names.filter((name) =>
      WEIGHT_FILE.test(name) || writesTokenizer && TOKENIZER_FILES.includes(name) && !files.has(name)
    );
    const changed = [...files].filter(([name, content]) => differs(join(folder, name), content));
    const sumsThere = names.filter((name) => name === SUMS);
    const others = [...stale, ...sumsThere, ...changed.map(([name]) => name)].sort();
    if (!overwrite) requireFree(folder, others);
    // Until all weights are written, the folder has no config: new weights are never read with an old config.
    for (const name of [CONFIG, SUMS]) {
      await Deno.remove(join(folder, name)).catch((error) => {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      });
    }
    syncFolder(folder);
    const sums = new Map<string, string>();
    const list = (name: string, content: FileContents): void => {
      const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
      sums.set(name, sumOf(name, bytes).sha256);
    };
    const write = (name: string, content: FileContents) => {
      list(name, content);
      atomicWrite(join(folder, name), content);
    };
    const written = shards.map((shard, i) => {
      const name = shards.length === 1 ? WEIGHTS : shardName(i, shards.length);
      // transformers requires the framework's name in the metadata; "pt" is its own layout.
      write(name, encodeSafetensors({ tensors: shard, metadata: { format: "pt" } }));
      return name;
    });
    if (shards.length > 1) {
      const names = shards.flatMap((shard, i) =>
        Object.keys(shard).map((name) => [name, written[i]!] as const)
      );
      const total_size = tensors.reduce((sum, [, tensor]) => sum + bytesOf(tensor), 0);
      const index = { metadata: { total_size }, weight_map: Object.fromEntries(names) };
      write(INDEX, `${JSON.stringify(index, null, 2)}\n`);
      written.push(INDEX);
    }
    for (const name of stale) if (!written.includes(name)) await Deno.remove(join(folder, name));
    for (const [name, content] of files) if (name !== CONFIG) write(name, content);
    const config = files.get(CONFIG)!;
    list(CONFIG, config);
    atomicWrite(join(folder, SUMS), sumsText(sums));
    atomicWrite(join(folder, CONFIG), config); // last: the folder is a model now
    return others;
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    throw new UserError(`Cannot save the model in ${folder}: ${clauseOf(cause)}. Choose another folder.`, {
      cause,
    });
  }
}

function requireFree(folder: string, names: readonly string[]): void {
  if (names.length === 0) return;
  throw new UserError(
    `Cannot save the model in ${folder}: expected none of the files to exist, got ${names.join(", ")}. ` +
      "Choose another folder, or replace them with --overwrite.",
  );
}

/** Returns true if a file exists with other content. */
function differs(path: string, content: FileContents): boolean {
  try {
    const found = readRegular(path);
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

/** Returns a model's tensors by the names that transformers uses. */
function transformersTensors({ config, parameters }: Gpt2Model, layout: Layout): ParameterRecord {
  const own = parameterShapes(config);
  for (const [name, shape] of Object.entries(own)) {
    const found = parameters[name]?.shape;
    if (String(found) === String(shape)) continue;
    throw new RangeError(
      `Cannot save the model: expected ${name} of shape [${shape}], ` +
        `got ${found === undefined ? "none" : `shape [${found}]`}`,
    );
  }
  const extra = Object.keys(parameters).filter((name) => !(name in own));
  if (extra.length > 0) {
    throw new RangeError(
      `Cannot save the model: expected only the parameters of its config, got ${extra.join(", ")} too`,
    );
  }
  return Object.fromEntries(
    Object.entries(layout.toTensors(parameters, config)).map((
      [name, values],
    ) => [name === HEAD ? name : `${layout.prefix}${name}`, values]),
  );
}

/** A tensor with the type in which it is stored. */
type StoredValues = ParameterValues & { dtype: StoredDtype };

function bytesOf({ shape, dtype }: StoredValues): number {
  return sizeOf(shape) * STORED_BYTES[dtype];
}

/**
 * Divides tensors into as few files as possible without changing their order. A file holds at most `most` bytes, or one
 * larger tensor.
 */
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

/** Returns the name of the shard with index `i`, from 0, such as `model-00002-of-00003.safetensors`. */
function shardName(i: number, of: number): string {
  const five = (n: number) => String(n).padStart(5, "0");
  return `model-${five(i + 1)}-of-${five(of)}.safetensors`;
}
