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

/** Returns the {@linkcode defaultFolder} of a sweep with a validated spec. */
export function sweepFolder(spec: SweepSpec): string {
  return defaultFolder(spec.name, { "": specHash(spec) });
}

/**
 * Returns `experiments/out/NAME` if that folder has no plan, or only plans of the given specs. Otherwise returns
 * `experiments/out/NAME-HASH`. HASH is the first 8 hexadecimal digits of the hash of the specs.
 *
 * @param name Name of the sweep or the experiment.
 * @param specs Hash of each spec (`specHash`), by the subfolder with its plan. The key `""` is the folder itself. If
 * empty, every plan matches.
 * @throws {UserError} If a plan in `experiments/out/NAME` is damaged.
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
