/**
 * A disk cache of tokens and byte-pair merges. Its keys are hashes of the text and of the options. The runs of a sweep
 * share the cache, so that a large text is encoded once. `prepare_corpus.ts` encodes the text.
 *
 * A text's folder, `ROOT/KEY/`, has `merges.json`, the merges of the largest vocabulary so far, and one folder per
 * tokenizer: `tokenizer.json`, `tokens.json` (sizes and checksums of the other files), `train.bin` and
 * `validation.bin`, and for separate documents `train.documents` and `validation.documents`. Folders are written
 * atomically. The least recently used texts are deleted when the cache exceeds its limit.
 *
 * @module
 */
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { contentHash } from "../options/content_name.ts";
import { parseJson, readJsonFile } from "../file/json.ts";
import { isSealed, sealJson, unsealJson } from "../file/sealed_json.ts";
import { loadTokenizer } from "./any_tokenizer.ts";
import type { Merge } from "./bpe_tokenizer.ts";
import { StoredTokens, type TokenFile } from "./stored_tokens.ts";
import type { Tokenizer } from "./tokenizer.ts";

/** Location and limit of the cache. */
export interface CacheOptions {
  /** Folder of the cache. */
  readonly root: string;
  /** A part of the key of all entries, such as a hash of the code. Entries of other versions are not used. */
  readonly version: string;
  /** Maximum size of the cache in bytes. The entry of the text in use is kept even if it is larger. Default: 8 GiB. */
  readonly limit?: number | undefined;
}

/** Size and checksum of the tokens of a training split or a validation split. */
export interface PreparedPart extends TokenFile {
  /** Positions where documents begin. Undefined if the split is one text. */
  readonly documentStarts: Float64Array<ArrayBuffer> | undefined;
}

/** Key and location of a text in the cache. */
interface Place extends CacheOptions {
  readonly identity: Readonly<Record<string, unknown>>;
}

const DEFAULT_LIMIT = 8 * 2 ** 30;

/** Maximum number of cached texts. */
const MOST_TEXTS = 256;

/** Age from which an untouched build counts as abandoned, in milliseconds: one day. */
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
  // The engine's Unicode version determines which characters are letters, and so how text is split.
  const key = createHash("sha256").update(JSON.stringify({ identity, version, engine: Deno.version.v8 }));
  return join(root, key.digest("hex").slice(0, 32));
}

/**
 * Returns the byte-pair merges of a text. Cached merges are used if they are enough. Otherwise, merges are learned and
 * cached.
 *
 * @param place Cache, and identity of the text.
 * @param vocabSize Vocabulary size V.
 * @param learn Learns up to V - 256 merges. It returns fewer if the text has fewer.
 * @returns At least V - 256 merges, or all merges of the text if it has fewer.
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
 * Returns the tokens of a text. Cached tokens are used if their files are undamaged. Otherwise, the text is encoded and
 * the tokens are cached.
 *
 * @param place Cache, identity of the text, and name of the tokenizer.
 * @param make Creates the tokenizer.
 * @param encode Encodes both splits. It passes the bytes of each split to `write` in order, and returns sizes and
 * checksums.
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
  const kept = await open(folder);
  if (kept !== undefined) return kept;
  const tokenizer = await make();
  const building = `${folder}.building-${crypto.randomUUID()}`;
  try {
    writing(place.root, () => {
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
    });
    // Another process may have built the same folder: its folder is used.
    const other = await open(folder);
    if (other !== undefined) { for (const part of PARTS) other[part][Symbol.dispose](); }
    else {
      writing(place.root, () => {
        removeIfThere(folder);
        Deno.renameSync(building, folder);
      });
    }
  } finally {
    writing(place.root, () => removeIfThere(building));
  }
  try {
    prune(place, dirname(folder));
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error; // another process deletes too
  }
  const made = await open(folder);
  if (made !== undefined) return made;
  throw new UserError(
    `Cannot read the tokens in ${folder}: expected the files just written, got none. ` +
      "Check that no other process deletes them, and start again.",
  );
}

/** Opens a folder of tokens. Returns undefined if it is missing or damaged. */
async function open(
  folder: string,
): Promise<{ tokenizer: Tokenizer; train: StoredTokens; validation: StoredTokens } | undefined> {
  const form = readForm(join(folder, TOKENS), tokensSchema);
  const content = form && readWhole(join(folder, "tokenizer.json"), form.tokenizerSha256);
  if (form === undefined || content === undefined) return undefined;
  let tokenizer: Tokenizer;
  try {
    const specialInText = contentHash(basename(folder)) !== undefined; // the tokenizer of a file
    ({ tokenizer } = await loadTokenizer(parseJson(content, { anyKey: true }), { specialInText }));
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
    // A read-only cache is fine.
  }
  return { tokenizer, train, validation };
}

/** Reads the positions where documents begin. Returns undefined if there are none, and null if the file is damaged. */
function readStarts(
  path: string,
  documents: { length: number; sha256: string } | null,
): Float64Array | undefined | null {
  if (documents === null) return undefined;
  const bytes = readWhole(path, documents.sha256);
  if (bytes === undefined) return null;
  return new Float64Array(bytes.buffer, bytes.byteOffset, documents.length);
}

/** Reads a file. Returns undefined if it is missing, or its checksum differs. */
function readWhole(path: string, sha256: string): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = Deno.readFileSync(path);
    return sha256Hex(bytes) === sha256 ? bytes : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Reads the content of a file with a checksum. Returns undefined if the file is missing or damaged. */
function readForm<S extends v.GenericSchema>(path: string, form: S): v.InferOutput<S> | undefined {
  try {
    const value = readJsonFile(path);
    if (!isSealed(value)) return undefined;
    const result = v.safeParse(form, unsealJson(value));
    return result.success ? result.output : undefined;
  } catch {
    return undefined; // an unreadable file is rebuilt
  }
}

function sha256Hex(data: string | Uint8Array): string {
  return createHash("sha256").update(data).digest("hex");
}

function writeAll(file: Deno.FsFile, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
}

/** Runs work that writes the cache, and states the remedy if the system refuses. */
function writing(root: string, work: () => void): void {
  try {
    work();
  } catch (cause) {
    if (typeof (cause as { code?: unknown }).code !== "string") throw cause; // not an error of the system
    throw new UserError(
      `Cannot store tokens in ${root}: ${
        (cause as Error).message
      }. Set LOSSKIT_CACHE to a writable folder with room for twice the text.`,
      { cause },
    );
  }
}

/** Deletes the least recently used texts until the cache is within its limit, and abandoned builds. */
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

/** Returns the size of a folder's files in bytes. Deletes abandoned builds in it on the way. */
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
