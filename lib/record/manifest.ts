/**
 * A run's manifest: what it is, on what data, with what code, where.
 *
 * @module
 */
import * as v from "valibot";
import { UserError } from "../error/user_error.ts";
import { atomicWrite } from "../file/atomic_write.ts";
import { readJsonFile } from "../file/json.ts";
import { sealJson, unsealJson } from "../file/sealed_json.ts";
import { canonicalJson, sha256Hex } from "./canonical_json.ts";
import type { Environment } from "./environment.ts";
import { type RunSpec, runSpecSchema } from "./run_spec.ts";

/** Where a run's text is from. */
export interface DataSource {
  /** As in the spec. */
  readonly name: string;
  /** A user's file, folder or pattern, or several, those with a name of their own by it; undefined: loaded by name. */
  readonly path?: string | readonly string[] | undefined;
  /** SHA-256 of the corpus's bytes. */
  readonly sha256: string;
  /** Nats per character that a perfect model loses, where that is known: a generated text. */
  readonly entropyRate?: number | undefined;
}

/** What `manifest.json` holds. */
export interface Manifest {
  /** The form of this file. */
  readonly format: "losskit-run/1";
  /** {@linkcode runIdOf} of the run. */
  readonly runId: string;
  /** What was asked for. */
  readonly spec: RunSpec;
  /** The text it learnt from. */
  readonly data: DataSource;
  /** Hash of `lib/`. */
  readonly libSha256: string;
  /** SHA-256 of the run's `tokenizer.json`; undefined: a run of losskit 0.1, without the file. No part of the ID. */
  readonly tokenizerSha256?: string | undefined;
  /** What of its precision is emulated, in words; left out: nothing. */
  readonly emulated?: string | undefined;
  /** Where it ran, last: no part of its identity. */
  readonly environment: Environment;
}

const text = v.string();

/** Hexadecimal digits, of which identities and hashes consist. They become paths and arguments of git. */
const hex = (...lengths: number[]) =>
  v.pipe(
    text,
    v.regex(
      new RegExp(`^(?:${lengths.map((length) => `[0-9a-f]{${length}}`).join("|")})$`),
      `wanted ${lengths.join(" or ")} hexadecimal digits`,
    ),
  );

/** The form of a source of data in files. */
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
  // undefined fields are left out of JSON
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

/**
 * A run's identity: the first 12 hex digits of the SHA-256 of its spec, its data's checksum and its code's hash.
 */
export function runIdOf(run: { spec: RunSpec; dataSha256: string; libSha256: string }): string {
  return sha256Hex(canonicalJson(run)).slice(0, 12);
}

/** Writes a manifest, whole or not at all. */
export function writeManifest(path: string, manifest: Manifest): void {
  atomicWrite(path, sealJson(manifest));
}

/**
 * Reads a manifest.
 *
 * @throws {UserError} when it is missing or is none, naming the file and the field.
 */
export function readManifest(path: string): Manifest {
  return readJson(path, schema, "a run's manifest") as unknown as Manifest;
}

/**
 * Reads a JSON file of a known form, and checks its checksum if it has one.
 *
 * @param path The file.
 * @param form What it must be.
 * @param what What to call it in errors.
 * @throws {UserError} naming the file and the field.
 */
export function readJson<S extends v.GenericSchema>(path: string, form: S, what: string): v.InferOutput<S> {
  const refuse = (reason: string, cause?: unknown) =>
    new UserError(`Cannot read ${path}: wanted ${what}: ${reason}`, { cause });
  let value: unknown;
  try {
    value = unsealJson(readJsonFile(path));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) throw refuse("the file does not exist", error);
    throw refuse(error instanceof Error ? error.message : String(error), error);
  }
  const result = v.safeParse(form, value);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw refuse(`${v.getDotPath(issue) ?? "the file"}: ${issue.message}`);
}
