/**
 * Makes a tokenizer from a `tokenizer.json`, such as `toJSON()` or Hugging Face's library writes. Of the latter's many
 * kinds it takes those that are the same here: characters, and byte pairs in GPT-2's manner.
 *
 * @module
 */
import * as v from "valibot";
import type { CutName } from "./_pieces.ts";
import { createBpeTokenizer, type Merge } from "./bpe_tokenizer.ts";
import { createCharacterTokenizer } from "./character_tokenizer.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { BYTE_CHARACTERS, BYTE_LEVEL_CUTS, CHARACTER_CUT } from "./tokenizer_json.ts";

const none = v.nullish(v.literal("", "must be left out"));
const no = v.optional(v.literal(false, "must be false"));
// Not v.record: it leaves out names such as "constructor", which vocabularies have.
const vocab = v.custom<Record<string, number>>(
  (value) => typeof value === "object" && value !== null && Object.values(value).every(Number.isInteger),
  "must give every token its id",
);
const record = v.record(v.string(), v.unknown());

const schema = v.object({
  added_tokens: v.optional(v.array(v.object({ id: v.number(), content: v.string() })), []),
  normalizer: v.nullish(v.never("must be null: text is taken as it is")),
  pre_tokenizer: record,
  // GPT-2's moves offsets alone.
  post_processor: v.nullish(v.object({ type: v.literal("ByteLevel", "must be null") })),
  model: v.variant("type", [
    v.object({ type: v.literal("WordLevel"), vocab }),
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
const WANTED =
  "the JSON must be a Hugging Face tokenizer.json of characters (WordLevel) or of byte-level BPE " +
  "whose ids are 256 bytes, then merges in order";

/**
 * Makes the tokenizer that a `tokenizer.json` describes.
 *
 * @param json The parsed JSON; it may come from a file, so its form is checked.
 * @throws {TypeError} if it is not the JSON of a tokenizer, or of one that cuts or joins text in another way.
 * @throws {RangeError} if its alphabet or merges contradict themselves.
 */
export function tokenizerFromJSON(json: unknown): Tokenizer {
  const result = v.safeParse(schema, json);
  if (!result.success) {
    const [issue] = result.issues;
    throw refusal(`${v.getDotPath(issue) ?? "the whole"}: ${issue.message}`);
  }
  const { model } = result.output;
  return model.type === "WordLevel"
    ? characters(result.output, model.vocab)
    : bytePairs(result.output, model);
}

function characters({ pre_tokenizer, added_tokens }: Json, vocab: Record<string, number>): Tokenizer {
  if (!covers(pre_tokenizer, CHARACTER_CUT)) {
    throw refusal("pre_tokenizer: must make every character a piece, with WordLevel");
  }
  if (added_tokens.length > 0) throw refusal("added_tokens: there must be none, with WordLevel");
  const alphabet = inOrder(vocab);
  const odd = alphabet.find((character) => Array.from(character).length !== 1);
  if (odd !== undefined) throw refusal(`model.vocab: ${JSON.stringify(odd)} is not one character`);
  return createCharacterTokenizer(alphabet.join(""));
}

function bytePairs(json: Json, model: Exclude<Json["model"], { type: "WordLevel" }>): Tokenizer {
  const cut = (Object.keys(BYTE_LEVEL_CUTS) as CutName[]).find((name) => cutsLike(json.pre_tokenizer, name));
  if (cut === undefined) {
    throw refusal(
      "pre_tokenizer: must be ByteLevel without add_prefix_space, or the one that losskit writes",
    );
  }
  const merges = model.merges.map((merge) => typeof merge === "string" ? merge.split(" ") : merge);
  const tokens = inOrder({
    ...model.vocab,
    ...Object.fromEntries(json.added_tokens.map(({ content, id }) => [content, id])),
  });
  const added = new Set(json.added_tokens.map(({ content }) => content));
  const special = tokens.slice(256 + merges.length);
  const stray = special.find((token) => !added.has(token));
  if (stray !== undefined) throw refusal(`model.vocab: no merge makes ${JSON.stringify(stray)}`);
  const bytes = tokens.slice(0, 256).map((token) => BYTE_CHARACTERS.indexOf(token));
  if (new Set(bytes).size !== 256 || bytes.includes(-1)) {
    throw refusal("model.vocab: the ids 0 to 255 must be the 256 bytes");
  }
  const ids = new Map(tokens.map((token, id) => [token, id]));
  const pairs = merges.map((pair, rank): Merge => {
    const [left = "", right = ""] = pair;
    const [leftId, rightId] = [ids.get(left), ids.get(right)];
    if (
      pair.length === 2 && leftId !== undefined && rightId !== undefined &&
      ids.get(left + right) === 256 + rank
    ) {
      return [leftId, rightId];
    }
    throw refusal(`model.merges: ${JSON.stringify(pair)} must make the token ${256 + rank}`);
  });
  const name = cut === "gpt2" ? tokens.length === 50257 ? "gpt2" : `bpe:${tokens.length}` : undefined;
  return createBpeTokenizer(pairs, {
    ...{ byteOrder: Uint8Array.from(bytes), cut, special },
    ...(name !== undefined && { name }),
  });
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

/** Tokens by their ids, which must be 0, 1, 2, ... */
function inOrder(vocab: Record<string, number>): string[] {
  const entries = Object.entries(vocab).sort(([, a], [, b]) => a - b);
  const wrong = entries.findIndex(([, id], i) => id !== i);
  if (wrong >= 0) throw refusal(`model.vocab: no token, or more than one, has the id ${wrong}`);
  return entries.map(([token]) => token);
}

function refusal(reason: string): TypeError {
  return new TypeError(`Cannot load a tokenizer: ${WANTED}: ${reason}`);
}
