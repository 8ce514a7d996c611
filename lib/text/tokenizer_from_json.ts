/**
 * Creation of a tokenizer from a `tokenizer.json` that `toJSON()` or Hugging Face's library wrote. Only the tokenizers
 * that losskit implements are supported: characters, and byte-level BPE as in GPT-2.
 *
 * @module
 */
import { createHash } from "node:crypto";
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
import { renumbered, type TextToken } from "./_added_tokens.ts";
import type { CutName } from "./_pieces.ts";
import { id, idsOf, vocab } from "./_token_ids.ts";
import { createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
import { createCharacterTokenizer } from "./character_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { BYTE_CHARACTERS, BYTE_LEVEL_CUTS, CHARACTER_CUT, type TokenizerJson } from "./tokenizer_json.ts";

const flag = v.optional(v.boolean(), false);
const none = v.nullish(v.literal("", "must be omitted"));
const no = v.optional(v.literal(false, "must be false"));
/** Matching options of added tokens that are not supported. */
const placed = { single_word: no, lstrip: no, rstrip: no };
const record = v.record(v.string(), v.unknown());

const schema = v.object({
  added_tokens: v.optional(
    v.array(v.object({
      ...{ id, content: v.string(), special: flag, normalized: flag, in_text: v.optional(v.boolean()) },
      ...placed,
    })),
    [],
  ),
  normalizer: v.nullish(v.never("must be null: text is not normalized")),
  pre_tokenizer: record,
  // GPT-2's post-processor changes only offsets. Transformers 5 saves a template that adds no tokens.
  post_processor: v.nullish(v.union([
    v.object({ type: v.literal("ByteLevel") }),
    v.object({
      type: v.literal("TemplateProcessing"),
      single: v.strictTuple([v.strictObject({ Sequence: v.object({ id: v.literal("A") }) })]),
    }),
  ], "must be null, or add no tokens")),
  decoder: v.looseObject({
    type: v.picklist(["ByteLevel", "Fuse"], "must be ByteLevel, or Fuse for characters"),
  }),
  model: v.variant("type", [
    v.object({ type: v.literal("WordLevel"), vocab, unk_token: v.optional(v.string()) }),
    v.object({
      type: v.optional(v.literal("BPE")), // older files omit it
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

/** Supported files, for errors. */
const WANTED = "expected a Hugging Face tokenizer.json of characters (WordLevel) or of byte-level BPE";

/** Options for creating a tokenizer from JSON. */
export interface FromJsonOptions {
  /**
   * True if a special token that is spelled out in text, such as `<|endoftext|>`, becomes its id, as in Hugging Face's
   * library, unless the file has `in_text: false` for it. False if its characters are ordinary text, as in losskit's
   * training. Default: false.
   */
  readonly specialInText?: boolean | undefined;
}

/**
 * Creates the tokenizer that a `tokenizer.json` describes.
 *
 * @param json Parsed content of the file. Its form is checked.
 * @param options Treatment of special tokens.
 * @throws {TypeError} If the file does not describe a tokenizer, or describes an unsupported tokenizer.
 * @throws {RangeError} If the alphabet or the merges in the file are inconsistent.
 */
export function tokenizerFromJSON(json: unknown, { specialInText = false }: FromJsonOptions = {}): Tokenizer {
  const result = v.safeParse(schema, json);
  if (!result.success) {
    const [issue] = result.issues;
    throw refusal(describeIssue(issue, "the whole"));
  }
  const { model, added_tokens, pre_tokenizer, decoder } = result.output;
  if ((decoder.type === "Fuse") !== (model.type === "WordLevel")) {
    throw refusal(`decoder: must be ${model.type === "WordLevel" ? "Fuse" : "ByteLevel"}`);
  }
  const ids = idsOf(Object.entries(model.vocab), added_tokens, (reason) => {
    throw refusal(reason);
  });
  const matched = new Map(
    added_tokens.filter(({ special, in_text = true }) => !special || specialInText && in_text)
      .map((token) => [token.content, token]),
  );
  const isMarked = added_tokens.some(({ in_text }) => in_text !== undefined); // its JSON must keep the mark
  const isAdded = new Set(added_tokens.map(({ content }) => content));
  const { inner, tokens } = model.type === "WordLevel"
    ? characters(pre_tokenizer, { ids, isAdded, unknown: model.unk_token })
    : bytePairs(pre_tokenizer, { ids, isAdded, merges: model.merges });
  const own = new Set(tokens);
  const others = [...ids].filter(([token]) => !own.has(token)).sort(([, a], [, b]) => a - b);
  const inOrder = tokens.every((token, i) => ids.get(token) === i) &&
    others.every(([, id], i) => id === tokens.length + i);
  if (inOrder && matched.size === 0 && !isMarked) {
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

/** One of losskit's tokenizers, whose ids are the indices of its tokens in a list. */
interface Inner {
  /** Creates the tokenizer, with optional special tokens after the others. */
  inner(special?: readonly string[]): Tokenizer;
  /** Its tokens, as written in the file. */
  readonly tokens: readonly string[];
}

function characters(
  cut: Record<string, unknown>,
  file: { ids: ReadonlyMap<string, number>; isAdded: ReadonlySet<string>; unknown: string | undefined },
): Inner {
  if (!covers(cut, CHARACTER_CUT)) {
    throw refusal("pre_tokenizer: must split text into characters, with WordLevel");
  }
  const { ids, isAdded, unknown } = file;
  if (unknown !== undefined && ids.has(unknown)) {
    throw refusal(
      `model.unk_token: must not be in the vocabulary, got ${JSON.stringify(unknown)}, which is`,
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
      "pre_tokenizer: must be ByteLevel without add_prefix_space, or losskit's own",
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
      throw refusal(`model.merges: ${JSON.stringify(pair)} must merge two earlier tokens into a new one`);
    }
    places.set(left + right, places.size);
    return [leftPlace, rightPlace];
  });
  const stray = [...ids.keys()].find((token) => !places.has(token) && !isAdded.has(token));
  if (stray !== undefined) throw refusal(`model.vocab: no merge produces ${JSON.stringify(stray)}`);
  const name = (special: readonly string[]) =>
    cut !== "gpt2"
      ? {}
      : { name: isGpt2({ byteOrder, pairs, special }) ? "gpt2" : `bpe:${places.size + special.length}` };
  return {
    inner: (special = []) => createBpeTokenizer(pairs, { byteOrder, cut, special, ...name(special) }),
    tokens: [...places.keys()],
  };
}

/**
 * SHA-256 of GPT-2's vocabulary, as serialized by {@linkcode isGpt2}. The size alone does not identify a vocabulary.
 */
const GPT2_SHA256 = "c84783e4d48fb84b319974a844cfe594a00cdf4df63b7b9f76159f52b5fa9656";

function isGpt2(
  vocabulary: { byteOrder: Uint8Array; pairs: readonly Merge[]; special: readonly string[] },
): boolean {
  const { byteOrder, pairs, special } = vocabulary;
  const written = JSON.stringify([Array.from(byteOrder), pairs, special]);
  return createHash("sha256").update(written).digest("hex") === GPT2_SHA256;
}

function cutsLike(given: Record<string, unknown>, name: CutName): boolean {
  // Offsets are not used here, and older files omit default values.
  const plain = (cut: unknown): unknown => {
    const fields = Object(cut) as Record<string, unknown>;
    return fields["type"] === "ByteLevel" ? { use_regex: true, ...fields, trim_offsets: true } : cut;
  };
  const parts = given["pretokenizers"];
  return covers(
    Array.isArray(parts) ? { ...given, pretokenizers: parts.map(plain) } : plain(given),
    BYTE_LEVEL_CUTS[name],
  );
}

/** Returns true if a value has every field of another value, with the same content. */
function covers(given: unknown, wanted: unknown): boolean {
  if (typeof wanted !== "object" || wanted === null) return given === wanted;
  return typeof given === "object" && given !== null &&
    Object.entries(wanted).every(([field, value]) =>
      covers((given as Record<string, unknown>)[field], value)
    );
}

function refusal(reason: string): TypeError {
  return new TypeError(`Cannot load a tokenizer: ${WANTED}, got an unsupported one (${reason})`);
}
