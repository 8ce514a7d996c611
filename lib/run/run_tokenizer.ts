/**
 * The tokenizer of a run. It is saved as `tokenizer.json` in the run's folder, so that the model can be used without
 * the text.
 *
 * @module
 */
import { UserError } from "../error/user_error.ts";
import { contentHash } from "../options/content_name.ts";
import { parseJson } from "../file/json.ts";
import { atomicWrite, type Manifest, runPaths, sha256Hex } from "../record/mod.ts";
import { type Corpus, loadTokenizer, type PreparedCorpus, type Tokenizer } from "../text/mod.ts";
import { prepareForRun } from "./corpus.ts";
import { planFolder } from "./find_text.ts";
import { tokenizerContent } from "./inputs.ts";
import { readIfThere } from "./resume_point.ts";

/**
 * Writes a run's tokenizer atomically.
 *
 * @param path Path of the file.
 * @param tokenizer The run's tokenizer.
 * @returns SHA-256 of the file in hex, for the manifest.
 */
export function writeRunTokenizer(path: string, tokenizer: Tokenizer): string {
  const content = tokenizerContent(tokenizer);
  atomicWrite(path, content);
  return sha256Hex(content);
}

/**
 * Reads a run's tokenizer.
 *
 * @param folder The run's folder.
 * @param manifest The run's manifest.
 * @returns The tokenizer. Undefined if the file is missing, or if losskit 0.1 recorded the run, which saved no
 * tokenizer.
 * @throws {UserError} If the SHA-256 of the file is not the one in the manifest.
 */
export async function readRunTokenizer(folder: string, manifest: Manifest): Promise<Tokenizer | undefined> {
  const bytes = recordedBytes(folder, manifest);
  if (bytes === undefined) return undefined;
  const specialInText = contentHash(manifest.spec.tokenizer) !== undefined; // the tokenizer of a file
  return (await loadTokenizer(parseJson(bytes, { anyKey: true }), { specialInText })).tokenizer;
}

/**
 * Requires that a run's tokenizer file, if the run has one, is undamaged.
 *
 * @param folder The run's folder.
 * @param manifest The run's manifest.
 * @throws {UserError} If the SHA-256 of the file is not the one in the manifest.
 */
export function requireRunTokenizer(folder: string, manifest: Manifest): void {
  recordedBytes(folder, manifest);
}

function recordedBytes(folder: string, { tokenizerSha256 }: Manifest): Uint8Array | undefined {
  const { tokenizer: path } = runPaths(folder);
  const bytes = tokenizerSha256 === undefined ? undefined : readIfThere(path);
  if (bytes === undefined) return undefined;
  const sha256 = sha256Hex(bytes);
  if (sha256 === tokenizerSha256) return bytes;
  throw new UserError(
    `Cannot use ${path}: expected the file with SHA-256 ${tokenizerSha256}, as the manifest records, ` +
      `got ${sha256}. Restore the file from a copy, or delete it to make the tokenizer from the text again.`,
  );
}

/**
 * Tokenizes a run's text. Requires that the resulting tokenizer is the recorded one.
 *
 * @param corpus The run's text.
 * @param run The run's folder and manifest.
 * @throws {UserError} If the tokenizer differs from the one that the manifest records.
 */
export async function prepareRecorded(
  corpus: Corpus,
  { folder, manifest }: { folder: string; manifest: Manifest },
): Promise<PreparedCorpus> {
  const prepared = await prepareForRun(corpus, manifest.spec, planFolder(folder));
  const sha256 = sha256Hex(tokenizerContent(prepared.tokenizer));
  if (manifest.tokenizerSha256 === undefined || manifest.tokenizerSha256 === sha256) return prepared;
  prepared[Symbol.dispose]();
  throw new UserError(
    `Cannot make the tokenizer of run ${manifest.runId}: expected a tokenizer with SHA-256 ` +
      `${manifest.tokenizerSha256}, got ${sha256}. Use the version of losskit that trained the run.`,
  );
}
