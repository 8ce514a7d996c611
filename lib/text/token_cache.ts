/**
 * Tokens and merges on disk, by the checksum of what they were made of: a sweep's runs share them, and a large text is
 * made tokens of once. Making them is `prepare_corpus.ts`.
 *
 * A text's folder, `ROOT/KEY/`, has `merges.json`, those of the largest vocabulary so far, and a folder for each
 * tokenizer: `tokenizer.json`, `tokens.json` (what the other files must be), `train.bin` and `validation.bin`, and with
 * documents `train.documents` and `validation.documents`. Folders are put in place whole. What was not used for longest
 * is deleted when there is too much.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { dirname, join } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { parseJson, readJsonFile } from "../file/json.ts";
import { isSealed, sealJson, unsealJson } from "../file/sealed_json.ts";
import type { Merge } from "./bpe_tokenizer.ts";
import { StoredTokens, type TokenFile } from "./stored_tokens.ts";
import type { Tokenizer } from "./tokenizer.ts";
import { tokenizerFromJSON } from "./tokenizer_from_json.ts";

/** Where tokens are kept. */
export interface CacheOptions {
  /** The folder of all of them. */
  readonly root: string;
  /** What else tokens depend on, such as a hash of the code. */
  readonly version: string;
  /** Bytes that all of them together may have; what was used last stays in any case. Default: 8 GiB. */
  readonly limit?: number | undefined;
}

/** One part of a text as tokens. */
export interface PreparedPart extends TokenFile {
  /** Where documents begin; undefined: it is all one text. */
  readonly documentStarts: Float64Array<ArrayBuffer> | undefined;
}

/** A text and how it is cut, and where it is kept. */
interface Place extends CacheOptions {
  readonly identity: Readonly<Record<string, unknown>>;
}

const DEFAULT_LIMIT = 8 * 2 ** 30;

/** Texts that are kept at most, however small. */
const MOST_TEXTS = 256;

/** What nobody has touched for so long was left by a process that is dead, in milliseconds: a day. */
const LEFT_AFTER = 24 * 3600 * 1000;

const PARTS = ["train", "validation"] as const;
const TOKENS = "tokens.json";

const whole = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const partSchema = v.object({
  length: whole,
  width: v.picklist([1, 2, 4]),
  sha256: v.string(),
  documents: v.nullable(v.object({ length: whole, sha256: v.string() })),
});
const tokensSchema = v.object({ train: partSchema, validation: partSchema, tokenizerSha256: v.string() });
const mergesSchema = v.object({
  complete: v.boolean(),
  merges: v.array(v.tuple([whole, whole])),
});

function textFolder({ root, identity, version }: Place): string {
  // The engine decides which characters are letters, and so how text is cut.
  const key = createHash("sha256").update(JSON.stringify({ identity, version, engine: Deno.version.v8 }));
  return join(root, key.digest("hex").slice(0, 32));
}

/**
 * The merges of a vocabulary: those that were learned for a larger one before, or new ones, which are kept.
 *
 * @param learn Learns up to V - 256 merges; as many as there are, where there are fewer.
 * @returns At least V - 256 merges, or all that the text has.
 */
export function cachedMerges(
  place: Place,
  vocabSize: number,
  learn: (vocabSize: number) => Merge[],
): Merge[] {
  const path = join(textFolder(place), "merges.json");
  const found = readForm(path, mergesSchema);
  if (found !== undefined && (found.complete || found.merges.length >= vocabSize - 256)) return found.merges;
  const merges = learn(vocabSize);
  const complete = merges.length < vocabSize - 256;
  writing(place.root, () => {
    Deno.mkdirSync(dirname(path), { recursive: true });
    atomicWrite(path, sealJson({ complete, merges }, 0));
  });
  return merges;
}

/**
 * The tokens of a text: those that are kept, if their files are as they were written, or new ones, which are kept.
 *
 * @param make Makes the tokenizer.
 * @param encode Makes tokens of both parts, and hands their bytes on in order.
 */
export async function cachedTokens(
  place: Place & { tokenizer: string },
  make: () => Promise<Tokenizer>,
  encode: (
    tokenizer: Tokenizer,
    write: (part: "train" | "validation", bytes: Uint8Array<ArrayBuffer>) => void,
  ) => { train: PreparedPart; validation: PreparedPart },
): Promise<{ tokenizer: Tokenizer; train: StoredTokens; validation: StoredTokens }> {
  const folder = join(textFolder(place), place.tokenizer.replace(":", "-"));
  const kept = open(folder);
  if (kept !== undefined) return kept;
  const tokenizer = await make();
  const building = `${folder}.building-${crypto.randomUUID()}`;
  writing(place.root, () => {
    try {
      Deno.mkdirSync(building, { recursive: true });
      const files = PARTS.map((part) => Deno.createSync(join(building, `${part}.bin`)));
      let parts: { train: PreparedPart; validation: PreparedPart };
      try {
        parts = encode(tokenizer, (part, bytes) => writeAll(files[PARTS.indexOf(part)]!, bytes));
      } finally {
        for (const file of files) file.close();
      }
      const form = Object.fromEntries(PARTS.map((part) => {
        const { documentStarts, ...file } = parts[part];
        if (documentStarts === undefined) return [part, { ...file, documents: null }];
        const bytes = new Uint8Array(documentStarts.buffer);
        Deno.writeFileSync(join(building, `${part}.documents`), bytes);
        return [part, { ...file, documents: { length: documentStarts.length, sha256: sha256Hex(bytes) } }];
      }));
      const content = JSON.stringify(tokenizer);
      Deno.writeTextFileSync(join(building, "tokenizer.json"), content);
      const tokens = { ...form, tokenizerSha256: sha256Hex(content) };
      Deno.writeTextFileSync(join(building, TOKENS), sealJson(tokens, 0));
      // Another process may have made the same meanwhile: its folder serves as well.
      if (open(folder) === undefined) {
        removeIfThere(folder);
        Deno.renameSync(building, folder);
      }
    } finally {
      removeIfThere(building);
    }
  });
  try {
    prune(place, dirname(folder));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // another process deletes too
  }
  const made = open(folder);
  if (made !== undefined) return made;
  throw new UserError(
    `Cannot read the tokens that were just written to ${folder}: is another process deleting them?`,
  );
}

/** Opens a folder of tokens; undefined where there is none, or something in it is not as it was written. */
function open(
  folder: string,
): { tokenizer: Tokenizer; train: StoredTokens; validation: StoredTokens } | undefined {
  const form = readForm(join(folder, TOKENS), tokensSchema);
  const content = form && readWhole(join(folder, "tokenizer.json"), form.tokenizerSha256);
  if (form === undefined || content === undefined) return undefined;
  let tokenizer: Tokenizer;
  try {
    tokenizer = tokenizerFromJSON(parseJson(content, { anyKey: true }));
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
  const [train, validation] = PARTS.map((part) => {
    const documentStarts = readStarts(join(folder, `${part}.documents`), form[part].documents);
    return documentStarts === null
      ? undefined
      : StoredTokens.open(join(folder, `${part}.bin`), { ...form[part], documentStarts });
  });
  if (train === undefined || validation === undefined) {
    train?.[Symbol.dispose]();
    validation?.[Symbol.dispose]();
    return undefined;
  }
  const now = new Date();
  try {
    Deno.utimeSync(dirname(folder), now, now); // used just now
  } catch {
    // A cache that cannot be written serves as well.
  }
  return { tokenizer, train, validation };
}

/** Where documents begin: undefined where there are none, null where the file is damaged. */
function readStarts(
  path: string,
  documents: { length: number; sha256: string } | null,
): Float64Array | undefined | null {
  if (documents === null) return undefined;
  const bytes = readWhole(path, documents.sha256);
  if (bytes === undefined) return null;
  return new Float64Array(bytes.buffer, bytes.byteOffset, documents.length);
}

/** The bytes of a file; undefined where it is missing, or is not the one with this checksum. */
function readWhole(path: string, sha256: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = Deno.readFileSync(path);
    return sha256Hex(bytes) === sha256 ? bytes : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** What a file with a checksum holds; undefined where it is missing or damaged. */
function readForm<S extends v.GenericSchema>(path: string, form: S): v.InferOutput<S> | undefined {
  try {
    const value = readJsonFile(path);
    if (!isSealed(value)) return undefined;
    const result = v.safeParse(form, unsealJson(value));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // what cannot be read is made again
  }
}

function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

/** Tells what to do where the cache cannot be written: no room, no permission. */
function writing(root: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (typeof (cause as { code?: unknown }).code !== "string") throw cause; // not the system's
    throw new UserError(
      `Cannot keep tokens in ${root}: ${
        (cause as Error).message
      }. Let LOSSKIT_CACHE name a folder that you may write ` +
        "to, with room for twice the text.",
      { cause },
    );
  }
}

/** Deletes what was not used for longest until the rest is small enough, and what dead processes left. */
function prune({ root, limit = DEFAULT_LIMIT }: CacheOptions, used: string): void {
  const folders = [...Deno.readDirSync(root)].filter((entry) => entry.isDirectory).map(({ name }) => {
    const path = join(root, name);
    return { path, time: Deno.statSync(path).mtime?.getTime() ?? 0, bytes: sizeOf(path) };
  });
  let total = folders.reduce((sum, { bytes }) => sum + bytes, 0), count = folders.length;
  for (const { path, bytes } of folders.sort((a, b) => a.time - b.time)) {
    if (total <= limit && count <= MOST_TEXTS) break;
    if (path === used) continue;
    removeIfThere(path);
    total -= bytes;
    count--;
  }
}

/** Bytes of a folder's files; folders that dead processes left in it are deleted on the way. */
function sizeOf(folder: string): number {
  let bytes = 0;
  for (const entry of Deno.readDirSync(folder)) {
    const path = join(folder, entry.name);
    const { size, mtime } = Deno.statSync(path);
    const left = entry.name.includes(".building-") && Date.now() - (mtime?.getTime() ?? 0) > LEFT_AFTER;
    if (left) removeIfThere(path);
    else bytes += entry.isDirectory ? sizeOf(path) : size;
  }
  return bytes;
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
