/**
 * Changes records, as a user who forges results.
 *
 * @module
 */
import { join } from "node:path";
import { exists } from "../../lib/file/exists.ts";
import { sealJson } from "../../lib/file/sealed_json.ts";
import { type Manifest, runIdOf, runPaths } from "../../lib/record/mod.ts";
import type { Plan } from "../../lib/sweep/mod.ts";

/** Removes checksums and counts of a journal or a JSON file. The result has the format of version 0.1. */
export function withoutChecksums(text: string): string {
  return text.replaceAll(/,"crc":"[0-9a-f]{8}"(?=\}\n)/g, "").replace(
    /(?<="event":"finish".*),"events":\d+/,
    "",
  )
    .replace(/,\s*"checksum":\s*"[0-9a-f]{64}"/, "");
}

/** Changes a record's text, without its checksums. Returns the text before. */
export function editRecord(path: string, change: (text: string) => string): string {
  const text = withoutChecksums(Deno.readTextFileSync(path));
  Deno.writeTextFileSync(path, change(text));
  return text;
}

/** Changes a plan, and gives it the checksum of its new content. */
export function editPlan(path: string, change: (plan: Plan) => Plan): void {
  const plan = JSON.parse(withoutChecksums(Deno.readTextFileSync(path)));
  Deno.writeTextFileSync(path, sealJson(change(plan)));
}

/**
 * Changes a run's manifest, and gives the run the ID of the changed spec, text and code: in its folder's name, its
 * journal and the sweep's plan, if there is one.
 *
 * @returns The run's folder.
 */
export function editRun(
  folder: string,
  change: (manifest: Record<string, Record<string, unknown>>) => void,
): string {
  const { manifest: path, journal } = runPaths(folder);
  const { checksum: _checksum, ...manifest } = JSON.parse(Deno.readTextFileSync(path));
  const former: string = manifest.runId;
  change(manifest);
  const { spec, data, libSha256 } = manifest as Manifest;
  const id = runIdOf({ spec, dataSha256: data.sha256, libSha256 });
  Deno.writeTextFileSync(path, JSON.stringify({ ...manifest, runId: id }));
  editRecord(journal, (text) => text.replace(`"runId":"${former}"`, `"runId":"${id}"`));
  const plan = join(folder, "..", "..", "plan.json");
  if (exists(plan)) {
    editPlan(plan, (found) => {
      const runs = found.runs.map((run) => run.id === former ? { id, spec } : run);
      return { ...found, data, libSha256, runs };
    });
  }
  const place = join(folder, "..", id);
  Deno.renameSync(folder, place);
  return place;
}
