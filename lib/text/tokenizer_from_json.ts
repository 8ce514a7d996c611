/**
 * Makes a tokenizer from a `tokenizer.json`, such as `toJSON()` or Hugging Face's library writes. Of the latter's many
 * kinds it takes those that are the same here: characters, and byte pairs in GPT-2's manner.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { renumbered, type TextToken } from "./_added_tokens.ts";
import type { CutName } from "./_pieces.ts";
import { createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
import { createCharacterTokenizer } from "./character_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { BYTE_CHARACTERS, BYTE_LEVEL_CUTS, CHARACTER_CUT, type TokenizerJson } from "./tokenizer_json.ts";

/** More ids than any vocabulary has: what is beyond would only fill memory. */
const MAX_ID = 2 ** 24;

const isId = (value: unknown): boolean =>
  typeof value === "number" && Number.isInteger(value) && value >= 0 && value < MAX_ID;
const id = v.custom<number>(isId, "must be an id");
const flag = v.optional(v.boolean(), false);
const none = v.nullish(v.literal("", "must be left out"));
const no = v.optional(v.literal(false, "must be false"));
/** How added tokens match beside their text: not built here. */
const placed = { single_word: no, lstrip: no, rstrip: no };
// Not v.record: it leaves out names such as "constructor", which vocabularies have.
const vocab = v.custom<Record<string, number>>(
  (value) => typeof value === "object" && value !== null && Object.values(value).every(isId),
  "must give every token its id",
);
const record = v.record(v.string(), v.unknown());

const schema = v.object({
  added_tokens: v.optional(
    v.array(v.object({ id, content: v.string(), special: flag, normalized: flag, ...placed })),
    [],
  ),
  normalizer: v.nullish(v.never("must be null: text is taken as it is")),
  pre_tokenizer: record,
  // GPT-2's moves offsets alone.
  post_processor: v.nullish(v.object({ type: v.literal("ByteLevel", "must be null") })),
  model: v.variant("type", [
    v.object({ type: v.literal("WordLevel"), vocab, unk_token: v.optional(v.string()) }),
    v.object({
      type: v.optional(v.literal("BPE")), // older files leave it out
      dropout: v.nullish(v.literal(0, "must be null")),
      continuing_subword_prefix: none,
      end_of_word_suffix: none,
      byte_fallback: no,
      ignore_merges: no,
      vocab,
      merges: v.array(v.union([v.string(), v.tuple([v.string(), v.string()])])),
    }),
  ]),
});

type Json = v.InferOutput<typeof schema>;

/** What a file must be, for errors. */
const WANTED = "expected a Hugging Face tokenizer.json of characters (WordLevel) or of byte-level BPE";

/** How a tokenizer is made from JSON. */
export interface FromJsonOptions {
  /**
   * Whether special tokens that text spells out, such as `<|endoftext|>`, become their ids, as Hugging Face's library
   * reads them. Default: false; such text stays text, as in training.
   */
  readonly specialInText?: boolean | undefined;
}

/**
 * Makes the tokenizer that a `tokenizer.json` describes.
 *
 * @param json The parsed JSON. Its form is checked.
 * @param options How special tokens are read.
 * @throws {TypeError} if it is not the JSON of a tokenizer, or of one that cuts or joins text in another way.
 * @throws {RangeError} if its alphabet or merges contradict themselves.
 */
export function tokenizerFromJSON(json: unknown, { specialInText = false }: FromJsonOptions = {}): Tokenizer {
  const result = v.safeParse(schema, json);
  if (!result.success) {
    const [issue] = result.issues;
    throw refusal(`${v.getDotPath(issue) ?? "the whole"}: ${issue.message}`);
  }
  const { model, added_tokens, pre_tokenizer } = result.output;
  const ids = idsOf(model.vocab, added_tokens);
  const matched = new Map(
    added_tokens.filter(({ special }) => !special || specialInText).map((token) => [token.content, token]),
  );
  const isAdded = new Set(added_tokens.map(({ content }) => content));
  const { inner, tokens } = model.type === "WordLevel"
    ? characters(pre_tokenizer, { ids, isAdded, unknown: model.unk_token })
    : bytePairs(pre_tokenizer, { ids, isAdded, merges: model.merges });
  const own = new Set(tokens);
  const others = [...ids].filter(([token]) => !own.has(token)).sort(([, a], [, b]) => a - b);
  const inOrder = tokens.every((token, i) => ids.get(token) === i) &&
    others.every(([, id], i) => id === tokens.length + i);
  if (inOrder && matched.size === 0) {
    if (others.length === 0) return inner();
    if (model.type !== "WordLevel") return inner(others.map(([token]) => token));
  }
  const added = [...ids].filter(([token]) => !own.has(token) || matched.has(token)).map(
    ([content, id]): TextToken => {
      const { normalized = false } = matched.get(content) ?? {};
      return { id, content, matched: matched.has(content), normalized };
    },
  );
  const plain = inner();
  return renumbered(plain, {
    ids: Int32Array.from(tokens, (token) => ids.get(token)!),
    added,
    json: json as TokenizerJson,
    name: inOrder ? inner(others.map(([token]) => token)).name : plain.name,
  });
}

/** One of our tokenizers, whose ids are the places of its tokens in a list. */
interface Inner {
  /** Makes the tokenizer, with special tokens behind the others where there are any. */
  inner(special?: readonly string[]): Tokenizer;
  /** Its tokens, as the file writes them. */
  readonly tokens: readonly string[];
}

function characters(
  cut: Record<string, unknown>,
  file: { ids: ReadonlyMap<string, number>; isAdded: ReadonlySet<string>; unknown: string | undefined },
): Inner {
  if (!covers(cut, CHARACTER_CUT)) {
    throw refusal("pre_tokenizer: must make every character a piece, with WordLevel");
  }
  const { ids, isAdded, unknown } = file;
  if (unknown !== undefined && ids.has(unknown)) {
    throw refusal(
      `model.unk_token: must be missing from the vocabulary: ${JSON.stringify(unknown)} is in it`,
    );
  }
  const tokens = [...ids.keys()].filter((token) => !isAdded.has(token));
  const odd = tokens.find((token) => Array.from(token).length !== 1);
  if (odd !== undefined) throw refusal(`model.vocab: ${JSON.stringify(odd)} is not one character`);
  tokens.sort((a, b) => a.codePointAt(0)! - b.codePointAt(0)!);
  return { inner: () => createCharacterTokenizer(tokens.join("")), tokens };
}

function bytePairs(
  pre_tokenizer: Record<string, unknown>,
  file: {
    ids: ReadonlyMap<string, number>;
    isAdded: ReadonlySet<string>;
    merges: readonly (string | [string, string])[];
  },
): Inner {
  const cut = (Object.keys(BYTE_LEVEL_CUTS) as CutName[]).find((name) => cutsLike(pre_tokenizer, name));
  if (cut === undefined) {
    throw refusal(
      "pre_tokenizer: must be ByteLevel without add_prefix_space, or the one that losskit writes",
    );
  }
  const { ids, isAdded } = file;
  const missing = BYTE_CHARACTERS.findIndex((token) => !ids.has(token));
  if (missing >= 0) throw refusal(`model.vocab: must have a token for every byte: ${missing} has none`);
  const byteOrder = Uint8Array.from({ length: 256 }, (_, byte) => byte)
    .sort((a, b) => ids.get(BYTE_CHARACTERS[a]!)! - ids.get(BYTE_CHARACTERS[b]!)!);
  const places = new Map(Array.from(byteOrder, (byte, place) => [BYTE_CHARACTERS[byte]!, place]));
  const pairs = file.merges.map((merge): Merge => {
    const pair = typeof merge === "string" ? merge.split(" ") : merge;
    const [left = "", right = ""] = pair;
    const [leftPlace, rightPlace] = [places.get(left), places.get(right)];
    const isNew = ids.has(left + right) && !places.has(left + right);
    if (pair.length !== 2 || leftPlace === undefined || rightPlace === undefined || !isNew) {
      throw refusal(`model.merges: ${JSON.stringify(pair)} must join two earlier tokens to a new one`);
    }
    places.set(left + right, places.size);
    return [leftPlace, rightPlace];
  });
  const stray = [...ids.keys()].find((token) => !places.has(token) && !isAdded.has(token));
  if (stray !== undefined) throw refusal(`model.vocab: no merge makes ${JSON.stringify(stray)}`);
  const name = (special: readonly string[]) =>
    cut !== "gpt2"
      ? {}
      : { name: isGpt2({ byteOrder, pairs, special }) ? "gpt2" : `bpe:${places.size + special.length}` };
  return {
    inner: (special = []) => createBpeTokenizer(pairs, { byteOrder, cut, special, ...name(special) }),
    tokens: [...places.keys()],
  };
}

/** SHA-256 of GPT-2's vocabulary, as {@linkcode isGpt2} writes it: its size alone says nothing. */
const GPT2_SHA256 = "c84783e4d48fb84b319974a844cfe594a00cdf4df63b7b9f76159f52b5fa9656";

function isGpt2(
  vocabulary: { byteOrder: Uint8Array; pairs: readonly Merge[]; special: readonly string[] },
): boolean {
  const { byteOrder, pairs, special } = vocabulary;
  const written = JSON.stringify([Array.from(byteOrder), pairs, special]);
  return createHash("sha256").update(written).digest("hex") === GPT2_SHA256;
}

function cutsLike(given: Record<string, unknown>, name: CutName): boolean {
  // Offsets are of no use here, and older files leave out what is the default.
  const plain = (cut: Record<string, unknown>): Record<string, unknown> =>
    cut["type"] === "ByteLevel" ? { use_regex: true, ...cut, trim_offsets: true } : cut;
  const parts = given["pretokenizers"];
  return covers(
    Array.isArray(parts) ? { ...given, pretokenizers: parts.map(plain) } : plain(given),
    BYTE_LEVEL_CUTS[name],
  );
}

/** Whether a value has every field that another has, with the same values. */
function covers(given: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return given === wanted;
  return typeof given === "object" && given !== null &&
    Object.entries(wanted).every(([field, value]) =>
      covers((given as Record<string, unknown>)[field], value)
    );
}

/** Requires every token to have an id of its own, and returns ids by token. */
function idsOf(
  vocab: Record<string, number>,
  added: readonly { id: number; content: string }[],
): Map<string, number> {
  const ids = new Map(Object.entries(vocab)), tokens = new Map<number, string>();
  for (const { content, id } of added) {
    if ((ids.get(content) ?? id) !== id) {
      throw refusal(`added_tokens: ${JSON.stringify(content)} has the ids ${ids.get(content)} and ${id}`);
    }
    ids.set(content, id);
  }
  for (const [token, id] of ids) {
    const other = tokens.get(id);
    if (other !== undefined) {
      throw refusal(`model.vocab: ${JSON.stringify(other)} and ${JSON.stringify(token)} have the id ${id}`);
    }
    tokens.set(id, token);
  }
  return ids;
}

function refusal(reason: string): TypeError {
  return new TypeError(`Cannot load a tokenizer: ${WANTED}: ${reason}`);
}
