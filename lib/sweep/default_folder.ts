/**
 * Default folders of sweeps.
 *
 * @module
 */
import { join } from "node:path";
import { canonicalJson, sha256Hex } from "../record/mod.ts";
import { specHash } from "./plan.ts";
import { readPlan } from "./plan_file.ts";
import type { SweepSpec } from "./spec.ts";

/** Returns the {@linkcode defaultFolder} of a single sweep, by its checked spec. */
export function sweepFolder(spec: SweepSpec): string {
  return defaultFolder(spec.name, { "": specHash(spec) });
}

/**
 * Returns `experiments/out/NAME` if it has no plan, or a plan of the same spec. Otherwise, returns
 * `experiments/out/NAME-HASH`, with 8 hexadecimal digits of the spec's hash.
 *
 * @param name The spec's name.
 * @param specs Hashes of the specs (`specHash`) by the folder inside that has the plan: `""` for the folder itself. Empty:
 * every plan matches.
 * @throws {UserError} For a damaged plan in `experiments/out/NAME`.
 */
export function defaultFolder(name: string, specs: Readonly<Record<string, string>>): string {
  const folder = join("experiments", "out", name);
  const isOwn = Object.entries(specs).every(([part, hash]) => {
    const found = readPlan(join(folder, part));
    return found === undefined || found.specSha256 === hash;
  });
  if (isOwn) return folder;
  const hash = specs[""] ?? sha256Hex(canonicalJson(specs));
  return `${folder}-${hash.slice(0, 8)}`;
}
