/**
 * Manifests of runs: spec, data, code and environment.
 *
 * @module
 */
import * as v from "valibot";
import { describeIssue } from "../error/schema_issue.ts";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { parseJson, readJsonFile } from "../file/json.ts";
import { isSealed, sealJson, unsealJson } from "../file/sealed_json.ts";
import { canonicalJson } from "./canonical_json.ts";
import { sha256Hex } from "./sha256.ts";
import type { Environment } from "./environment.ts";
import { type RunSpec, runSpecSchema } from "./run_spec.ts";

/** Source of a run's text. */
export interface DataSource {
  /** Name of the text, as in the spec. */
  readonly name: string;
  /**
   * Path or glob pattern that the user gave, or a list of paths, patterns and names of built-in texts. Undefined for a
   * built-in text.
   */
  readonly path?: string | readonly string[] | undefined;
  /** SHA-256 of the text. */
  readonly sha256: string;
  /** Loss of a perfect model in nats per character. Undefined unless the text is generated with a known entropy. */
  readonly entropyRate?: number | undefined;
}

/** Content of `manifest.json`. */
export interface Manifest {
  /** File format and version. */
  readonly format: "losskit-run/1";
  /** Run ID, as returned by {@linkcode runIdOf}. */
  readonly runId: string;
  /** Spec of the run. */
  readonly spec: RunSpec;
  /** Text of the run. */
  readonly data: DataSource;
  /** SHA-256 of the code in `lib/`. */
  readonly libSha256: string;
  /**
   * SHA-256 of the run's `tokenizer.json`. Undefined in records of losskit 0.1, which have no such file. The ID does
   * not depend on it.
   */
  readonly tokenizerSha256?: string | undefined;
  /** Description of the emulated formats. Undefined if the precision is not emulated. */
  readonly emulated?: string | undefined;
  /** Environment of the run. Last, because it is not part of the ID. */
  readonly environment: Environment;
}

const text = v.string();

/** Schema of hexadecimal digits of given lengths. IDs and hashes become paths and arguments of git. */
const hex = (...lengths: number[]) =>
  v.pipe(
    text,
    v.regex(
      new RegExp(`^(?:${lengths.map((length) => `[0-9a-f]{${length}}`).join("|")})$`),
      `expected ${lengths.join(" or ")} hexadecimal digits`,
    ),
  );

/** Schema of {@linkcode DataSource}. */
export const dataSourceSchema: v.GenericSchema<unknown, DataSource> = v.object({
  name: text,
  path: v.optional(v.union([text, v.array(text)])),
  sha256: text,
  entropyRate: v.optional(v.number()),
});

const schema = v.object({
  format: v.literal("losskit-run/1"),
  runId: hex(12),
  spec: runSpecSchema,
  data: dataSourceSchema,
  libSha256: hex(64),
  tokenizerSha256: v.optional(hex(64)),
  emulated: v.optional(text),
  // JSON omits undefined fields
  environment: v.looseObject({
    cpuModel: v.optional(text),
    cpuFlags: v.array(text),
    cores: v.pipe(v.number(), v.safeInteger()),
    os: text,
    arch: text,
    denoVersion: text,
    tensorflowVersion: text,
    wheelSha256: v.optional(text),
    device: v.optional(text),
    rounding: text,
    onednn: v.optional(text),
    gitCommit: v.optional(hex(40, 64)),
    gitDiffSha256: v.optional(hex(64)),
  }),
});

/** Returns the ID of a run: the first 12 hexadecimal digits of the SHA-256 of its spec, data checksum and code hash. */
export function runIdOf(run: { spec: RunSpec; dataSha256: string; libSha256: string }): string {
  return sha256Hex(canonicalJson(run)).slice(0, 12);
}

/** Writes a manifest atomically. */
export function writeManifest(path: string, manifest: Manifest): void {
  atomicWrite(path, sealJson(manifest));
}

/**
 * Reads a manifest.
 *
 * @throws {UserError} If the file is missing or invalid, or the run ID does not match the spec, text and code. The
 * message names the path and the field.
 */
export function readManifest(path: string): Manifest {
  const { value, output } = readSealed(path, schema, "a run's manifest");
  const { runId, data, libSha256 } = output;
  // The ID covers the spec as stored: old specs lack fields that the schema adds.
  const { spec } = value as Manifest;
  const id = runIdOf({ spec, dataSha256: data.sha256, libSha256 });
  if (id === runId) return output as unknown as Manifest;
  throw new UserError(
    `Cannot read ${path}: expected the spec, text and code of run ${runId}, got those of run ${id}. ` +
      "Restore the file from a copy, or delete the run's folder to run it again.",
  );
}

/**
 * Reads a JSON file and validates its content with a schema. Verifies the file's checksum if there is one.
 *
 * @param path The file.
 * @param form The schema.
 * @param what Name for the kind of file, used in errors, such as `a manifest`.
 * @throws {UserError} If the file is missing or invalid. The message names the path and the field.
 */
export function readJson<S extends v.GenericSchema>(path: string, form: S, what: string): v.InferOutput<S> {
  return readSealed(path, form, what).output;
}

/**
 * Parses the content of a JSON file like {@linkcode readJson}.
 *
 * @param bytes The content.
 * @param file `path`: path of the file, for errors. `form`: the schema. `what`: name for the kind of file, for errors.
 * @throws {UserError} If the content is invalid. The message names the path and the field.
 */
export function decodeJson<S extends v.GenericSchema>(
  bytes: Uint8Array,
  { path, form, what }: { path: string; form: S; what: string },
): v.InferOutput<S> {
  return checkSealed(() => parseJson(bytes), { path, form, what }).output;
}

/** Content of a JSON file that may have a checksum. */
export interface SealedFile<T> {
  /** The stored value, without the checksum. */
  readonly value: unknown;
  /** The value that the schema returns. */
  readonly output: T;
  /** True if the file has a checksum. */
  readonly isSealed: boolean;
}

/**
 * Reads a JSON file like {@linkcode readJson}. Also returns the stored value, and whether the file has a checksum.
 *
 * @param path The file.
 * @param form The schema.
 * @param what Name for the kind of file, used in errors, such as `a manifest`.
 * @param remedy Remedy in the error for a wrong checksum. Default: to restore the file, or to delete the checksum after
 * a deliberate change.
 * @throws {UserError} If the file is missing or invalid. The message names the path and the field.
 */
export function readSealed<S extends v.GenericSchema>(
  path: string,
  form: S,
  what: string,
  remedy?: string,
): SealedFile<v.InferOutput<S>> {
  return checkSealed(() => readJsonFile(path), { path, form, what, remedy });
}

function checkSealed<S extends v.GenericSchema>(
  read: () => unknown,
  { path, form, what, remedy }: { path: string; form: S; what: string; remedy?: string | undefined },
): SealedFile<v.InferOutput<S>> {
  const refuse = (reason: string, cause?: unknown) =>
    new UserError(`Cannot read ${path}: expected ${what}, got ${reason}`, { cause });
  let value: unknown, stored: unknown;
  try {
    stored = read();
    value = unsealJson(stored, remedy);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw refuse("no file", error);
    throw refuse(`a damaged file: ${error instanceof Error ? error.message : error}`, error);
  }
  const result = v.safeParse(form, value);
  if (result.success) return { value, output: result.output, isSealed: isSealed(stored) };
  const [issue] = result.issues;
  throw refuse(`another file: ${describeIssue(issue, "the file")}`);
}
