/**
 * The files next to a model's weights: its config, tokenizer and generation config. With them, transformers loads the
 * same tokenizer and stops generation at the end-of-document token.
 *
 * @module
 */
import { join } from "node:path";
import { shownValue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { readRegular } from "../file/regular.ts";
import { splitsSpecial } from "../text/special_in_text.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { GptConfig } from "./config.ts";
import { CONFIG, readJson } from "./gpt2_files.ts";
import { type Layout, layoutOf, layoutOfFile } from "./_layout.ts";
import type { StoredDtype } from "./_stored_numbers.ts";

/** Content of a file. */
export type FileContents = string | Uint8Array;

const TOKENIZER = "tokenizer.json", TOKENIZER_CONFIG = "tokenizer_config.json";
/** Name of the file with generation settings. */
const GENERATION = "generation_config.json";

/** Names of the tokenizer files that transformers reads. */
export const TOKENIZER_FILES: readonly string[] = [
  ...[
    TOKENIZER,
    TOKENIZER_CONFIG,
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
  ],
  ...["chat_template.jinja", "chat_template.json"],
];

/** Names of number types in the config files of transformers. */
const DTYPE_NAMES: Readonly<Record<StoredDtype, string>> = {
  F32: "float32",
  BF16: "bfloat16",
  F16: "float16",
};

/** The end-of-document token, as text and as an id. */
interface End {
  readonly id: number;
  readonly content: string;
}

/** Sources of the files' contents. */
interface Origin {
  readonly tokenizer?: Tokenizer | undefined;
  readonly source?: string | undefined;
  readonly tensors: readonly { readonly dtype: StoredDtype }[];
}

/** Returns the files to write next to the weights, by name. */
export async function companionFiles(
  config: GptConfig,
  { tokenizer, source, tensors }: Origin,
): Promise<Map<string, FileContents>> {
  const dtypes = [...new Set(tensors.map(({ dtype }) => DTYPE_NAMES[dtype]))];
  const dtype = dtypes.length === 1 ? dtypes[0] : undefined;
  const files = new Map<string, FileContents>();
  const kept = source === undefined ? new Map<string, Uint8Array>() : filesOf(source);
  const hasTokenizer = kept.has(TOKENIZER) || kept.has("vocab.json") && kept.has("merges.txt");
  const end = tokenizer === undefined ? undefined : endOf(tokenizer);
  if (hasTokenizer) { for (const [name, content] of kept) files.set(name, content); }
  else if (tokenizer !== undefined) files.set(TOKENIZER, `${JSON.stringify(tokenizer)}\n`);
  if (files.has(TOKENIZER) && !files.has(TOKENIZER_CONFIG)) {
    const split = !hasTokenizer && tokenizer !== undefined && splitsSpecial(tokenizer);
    const given = tokenizerConfig({ T: config.blockSize, end, split });
    files.set(TOKENIZER_CONFIG, jsonText(given));
  }
  const given = source === undefined ? undefined : await sourceConfig(source, config);
  const own = layoutOf(config).toConfig(config, { end: end?.id }), json = given ?? own;
  const { model_type } = own; // transformers requires it; a source may omit it
  const complete = { ...json, model_type, ...typed(json, dtype) };
  files.set(CONFIG, jsonText(withinVocabulary(complete, config.vocabSize)));
  const generation = source === undefined ? undefined : await jsonIfThere(join(source, GENERATION));
  const ids = { bos_token_id: end?.id ?? null, eos_token_id: end?.id ?? null };
  if (generation !== undefined && source !== undefined) {
    const within = withinVocabulary(generation, config.vocabSize);
    const isKept = JSON.stringify(within) === JSON.stringify(generation);
    files.set(GENERATION, isKept ? readRegular(join(source, GENERATION)) : jsonText(within));
  } else if (source === undefined) files.set(GENERATION, jsonText(ids));
  return files;
}

/** Ids of end-of-text tokens that transformers assumes for a `config.json` without `eos_token_id`. */
const DEFAULT_END: Readonly<Record<Layout["name"], number>> = { "GPT-2": 50256, LLaMA: 2 };

/**
 * Returns the ids of the tokens at which transformers ends the generation with a model: `eos_token_id` in
 * `generation_config.json` or, without this file, in `config.json`.
 *
 * @param folder The model's folder.
 * @throws {UserError} If a file cannot be read, or `eos_token_id` is neither an id nor a list of ids.
 */
export async function readEndIds(folder: string): Promise<number[]> {
  const path = join(folder, CONFIG), json = await readJson(path);
  const generation = await jsonIfThere(join(folder, GENERATION));
  const given = generation === undefined
    ? "eos_token_id" in json ? json["eos_token_id"] : DEFAULT_END[layoutOfFile(json, path).name]
    : generation["eos_token_id"];
  const ids: readonly unknown[] = Array.isArray(given) ? given : given == null ? [] : [given];
  return ids.map((id) => {
    if (typeof id === "number" && Number.isInteger(id)) return id;
    throw new UserError(
      `Cannot use ${
        generation === undefined ? path : join(folder, GENERATION)
      }: expected eos_token_id to be an id ` +
        `or a list of ids, got ${shownValue(given)}. Correct the file.`,
    );
  });
}

function jsonText(value: unknown): string {
  return `${JSON.stringify(value, null, 2)}\n`;
}

/** Returns the end-of-document token `<|endoftext|>`; undefined if the tokenizer does not have it. */
function endOf(tokenizer: Tokenizer): End | undefined {
  return tokenizer.toJSON().added_tokens?.find(({ content }) => content === "<|endoftext|>");
}

/**
 * Returns the tokenizer config. It makes transformers use `tokenizer.json` unchanged and keep spaces. With `split`,
 * special tokens in a text are read as ordinary text, as in training.
 */
function tokenizerConfig(
  { T, end, split }: { T: number; end: End | undefined; split: boolean },
): Record<string, unknown> {
  return {
    tokenizer_class: "PreTrainedTokenizerFast",
    clean_up_tokenization_spaces: false,
    model_max_length: T,
    ...(split && { split_special_tokens: true }),
    ...(end !== undefined && { bos_token: end.content, eos_token: end.content, unk_token: end.content }),
  };
}

/** Returns the config of the folder from which a model was loaded; undefined if it does not match the model. */
async function sourceConfig(source: string, config: GptConfig): Promise<Record<string, unknown> | undefined> {
  const path = join(source, CONFIG);
  const json = await readJson(path);
  return JSON.stringify(layoutOfFile(json, path).fromConfig(json, path)) === JSON.stringify(config)
    ? json
    : undefined;
}

/**
 * Returns the config field that names the number type. Older versions of transformers call the field `torch_dtype`.
 * Empty if the weights have several types.
 */
function typed(json: Record<string, unknown>, dtype: string | undefined): Record<string, unknown> {
  if (dtype === undefined) return {};
  return "torch_dtype" in json && !("dtype" in json) ? { torch_dtype: dtype } : { dtype };
}

/**
 * Removes ids of special tokens that are outside of the model's vocabulary. In a GPT-2's config, a missing id would
 * mean 50,256.
 */
function withinVocabulary(json: Record<string, unknown>, V: number): Record<string, unknown> {
  const known = (id: unknown): boolean => typeof id !== "number" || id < V;
  const isModel = json["model_type"] !== "llama" && ("vocab_size" in json || "n_embd" in json);
  const ids = ["bos_token_id", "eos_token_id", "pad_token_id"].flatMap((name): [string, unknown][] => {
    const id = json[name] ?? (isModel && !(name in json) && name !== "pad_token_id" ? 50256 : undefined);
    if (Array.isArray(id)) return [[name, id.filter(known)]];
    return known(id) ? [] : [[name, null]];
  });
  return { ...json, ...Object.fromEntries(ids) };
}

/** Returns the contents of the tokenizer files in a folder, by name. */
function filesOf(folder: string): Map<string, Uint8Array> {
  const files = new Map<string, Uint8Array>();
  for (const name of TOKENIZER_FILES) {
    try {
      files.set(name, readRegular(join(folder, name)));
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return files;
}

async function jsonIfThere(path: string): Promise<Record<string, unknown> | undefined> {
  try {
    await Deno.stat(path);
  } catch {
    return undefined;
  }
  return await readJson(path);
}
