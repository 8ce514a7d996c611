/**
 * Loading of the tokenizer in a Hugging Face model folder. If the folder has no tokenizer files, GPT-2's tokenizer is
 * used for a vocabulary of GPT-2's size.
 *
 * @module
 */
import { reasonOf } from "../error/clause.ts";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { exists } from "../file/exists.ts";
import { readJsonFile, requireObject } from "../file/json.ts";
import { readRegular } from "../file/regular.ts";
import { noteOtherSum } from "../file/sha256sums.ts";
import { decodeText } from "../file/text.ts";
import { loadTokenizer } from "./any_tokenizer.ts";
import { loadGpt2Tokenizer } from "./gpt2_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { BYTE_LEVEL_CUTS, BYTE_LEVEL_DECODER, JSON_FRAME } from "./tokenizer_json.ts";

/** Names of tokenizer files that are not supported, or not alone. */
const OTHER_FILE =
  /^(vocab\.(txt|json|bpe)|merges\.txt|encoder\.json|added_tokens\.json|tekken\.json)$|\.(model|spm|tiktoken|rwkv)$/;

/** Name of GPT-2's tokenizer in transformers. */
const GPT2_CLASS = /^GPT2Tokenizer(Fast)?$/;

/** Fields of `tokenizer_config.json` that affect the tokenizer. */
const configSchema = v.looseObject({
  tokenizer_class: v.nullish(v.string()),
  add_prefix_space: v.nullish(v.boolean()),
  split_special_tokens: v.nullish(v.boolean()),
  added_tokens_decoder: v.nullish(v.record(v.string(), v.looseObject({ content: v.string() }))),
});

type Config = v.InferOutput<typeof configSchema>;

/** The tokenizer of a model folder. */
export interface FolderTokenizer {
  /** The tokenizer. */
  readonly tokenizer: Tokenizer;
  /**
   * A note for the user, if the npm package `@huggingface/tokenizers` implements the tokenizer, or the folder has no
   * tokenizer files. Otherwise undefined.
   */
  readonly note?: string | undefined;
}

/**
 * Loads the tokenizer of a model folder from `tokenizer.json`, or else from `vocab.json` and `merges.txt`. If the
 * folder of a GPT-2 has no tokenizer files, loads GPT-2's tokenizer. This requires that V is GPT-2's 50,257, or a
 * multiple of 8 that is larger by less than 1,024 (padding).
 *
 * @param folder The model's folder.
 * @param options `V`: vocabulary size of the model. The tokenizer may have fewer tokens.
 * @throws {UserError} If there is no tokenizer, the tokenizer cannot be read, or the tokenizer has more tokens than the
 * model.
 */
export async function loadFolderTokenizer(
  folder: string,
  { V }: { V: number },
): Promise<FolderTokenizer> {
  const found = await findTokenizer(folder, V);
  const { vocabSize } = found.tokenizer;
  if (vocabSize <= V) return found;
  throw new UserError(
    `Cannot use the tokenizer in ${folder}: expected at most ${V} tokens, as the model has (vocab_size), ` +
      `got ${vocabSize}. Use the tokenizer that the model was trained with.`,
  );
}

/**
 * Loads a tokenizer from a `tokenizer.json`. If the same folder has a `tokenizer_config.json`, its settings apply.
 *
 * @param path Path of the `tokenizer.json`.
 * @throws {UserError} If the file cannot be read, or describes no supported tokenizer.
 */
export async function loadTokenizerFile(path: string): Promise<FolderTokenizer> {
  const config = await readConfig(dirname(path));
  return await reading(path, () => fromJson(readJsonFile(path, { anyKey: true }), config));
}

async function findTokenizer(folder: string, V: number): Promise<FolderTokenizer> {
  const path = join(folder, "tokenizer.json");
  const vocab = join(folder, "vocab.json"), merges = join(folder, "merges.txt");
  if (exists(path)) return await loadTokenizerFile(path);
  if (exists(vocab) && exists(merges)) {
    const config = await readConfig(folder);
    for (const name of ["merges.txt", "added_tokens.json", "special_tokens_map.json"]) {
      if (exists(join(folder, name))) noteOtherSum(join(folder, name));
    }
    return await reading(vocab, () => fromJson(jsonOfFiles(folder, { vocab, merges, config }), config));
  }
  const other = await otherTokenizer(folder);
  if (other === undefined && V >= GPT2 && V - GPT2 < 1024 && (V === GPT2 || V % 8 === 0)) {
    return { tokenizer: await loadGpt2Tokenizer(), note: `${folder} has no tokenizer: using GPT-2's` };
  }
  throw new UserError(
    `Cannot read the tokenizer of ${folder}: expected tokenizer.json, or vocab.json and merges.txt, for ` +
      `${V} tokens, got ${other ?? "neither"}. Save the tokenizer there with transformers' save_pretrained.`,
  );
}

/** Describes what shows that the tokenizer of a folder is not GPT-2's. Returns undefined if nothing does. */
async function otherTokenizer(folder: string): Promise<string | undefined> {
  const file = [...Deno.readDirSync(folder)].map(({ name }) => name).sort().find((name) =>
    OTHER_FILE.test(name)
  );
  if (file !== undefined) return `only ${file}`;
  const { tokenizer_class: kind } = await readConfig(folder);
  if (typeof kind === "string" && !GPT2_CLASS.test(kind)) return `only the name of its class, ${kind}`;
  const path = join(folder, "config.json");
  if (!exists(path)) return undefined;
  const { model_type: type, architectures } = requireObject(readJsonFile(path, { anyKey: true }));
  if (type !== undefined) {
    return type === "gpt2" ? undefined : `neither for a model of type ${JSON.stringify(type)}`;
  }
  const name = String(architectures); // of the model's class, as `layoutOfFile` reads it
  return name.startsWith("Llama") ? `neither for a model of the class ${name}` : undefined;
}

/** Vocabulary size of GPT-2. */
const GPT2 = 50257;

async function readConfig(folder: string): Promise<Config> {
  const path = join(folder, "tokenizer_config.json");
  if (!exists(path)) return {};
  return await reading(path, () => {
    const result = v.safeParse(configSchema, requireObject(readJsonFile(path, { anyKey: true })));
    if (result.success) return result.output;
    throw new TypeError(
      `expected a tokenizer's config, got another file: ${describeIssue(result.issues[0], "the file")}`,
    );
  });
}

/** Compares a file with its checksum in `SHA256SUMS`, if any, runs `work`, and names the file in its errors. */
async function reading<R>(path: string, work: () => R | Promise<R>): Promise<R> {
  noteOtherSum(path);
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof UserError) throw cause; // it names its file
    throw new UserError(
      `Cannot read ${path}: ${reasonOf(cause)}. Save the tokenizer again with transformers' save_pretrained.`,
      { cause },
    );
  }
}

async function fromJson(json: unknown, { split_special_tokens: split }: Config): Promise<FolderTokenizer> {
  return await loadTokenizer(json, { specialInText: split !== true });
}

/** Returns the `tokenizer.json` equivalent to `vocab.json` and `merges.txt`, as transformers converts GPT-2's. */
function jsonOfFiles(
  folder: string,
  { vocab, merges, config }: { vocab: string; merges: string; config: Config },
): unknown {
  const record = (path: string): Record<string, unknown> =>
    exists(path) ? requireObject(readJsonFile(path, { anyKey: true })) : {};
  const ids = record(vocab), more = record(join(folder, "added_tokens.json"));
  const special = { ...config, ...record(join(folder, "special_tokens_map.json")) };
  const contents = new Set([
    "<|endoftext|>",
    ...Object.keys(more),
    ...Object.values(config.added_tokens_decoder ?? {}).map(({ content }) => content),
    ...Object.entries(special).flatMap(([name, token]) => /_token$/.test(name) ? contentOf(token) : []),
  ]);
  const added = [...contents].flatMap((content) => {
    const id = more[content] ?? ids[content];
    return id === undefined ? [] : [{ id, content, special: true, normalized: false }];
  });
  const lines = decodeText(readRegular(merges)).split(/\r?\n/).filter((line) =>
    line !== "" && !line.startsWith("#version")
  );
  return {
    ...JSON_FRAME,
    added_tokens: added,
    pre_tokenizer: { ...BYTE_LEVEL_CUTS.gpt2, add_prefix_space: config.add_prefix_space ?? false },
    decoder: BYTE_LEVEL_DECODER,
    model: { type: "BPE", vocab: ids, merges: lines },
  };
}

/** Returns the text of a token in a configuration, which is a string or an object with `content`. */
function contentOf(token: unknown): string[] {
  const content = typeof token === "object" && token !== null ? Object(token).content : token;
  return typeof content === "string" ? [content] : [];
}
