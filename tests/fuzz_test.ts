/**
 * Damaged specs, plans, journals and manifests. Each gives a correct result or an error for the user, and no crash. A hang
 * would exceed the time limit of the test file. `deno task soak` tests 10,000 of each.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import {
  compareJournals,
  effectiveEvents,
  evalColumns,
  formatEvent,
  JournalWriter,
  readJournal,
  readManifest,
  readRun,
  runColumns,
  runPaths,
  statusOf,
  stepColumns,
} from "../lib/record/mod.ts";
import { estimateBytes, modelOf } from "../lib/run/mod.ts";
import { expandSweep, parseSweepSpec, placePlan, readPlan } from "../lib/sweep/mod.ts";
import type { Plan } from "../lib/sweep/mod.ts";
import { createRandom } from "../lib/text/mod.ts";
import { editRecord } from "./support/edit_record.ts";
import { COUNT, fuzz, mutateText, seed } from "./support/fuzz.ts";
import { mutateBytes, mutateJson } from "./support/mutate.ts";
import { writeSyntheticRun } from "./support/synthetic_runs.ts";

const root = await Deno.makeTempDir();
globalThis.addEventListener("unload", () => Deno.removeSync(root, { recursive: true }));

const SPEC = {
  ...{ name: "fuzz", data: "text.txt", seq: [16, 32], policy: ["float32", "bf16-autocast"], seeds: [1, 2] },
  ...{ vocab: ["character", "bpe:300"], steps: 20, tokensPerStep: 64, warmupSteps: 2, nLayer: 2, nHead: 2 },
  ...{ nEmbd: 32, evalBytes: 64, axes: { lr: [1e-3, 2e-3] }, zip: [{ clip: [1, 2], zLoss: [0, 1e-4] }] },
  when: [{ if: { T: { atLeast: 32 } }, set: { minLr: 0 } }],
  exclude: [{ seed: 2, tokenizer: ["character"] }],
  budget: undefined,
};

Deno.test(`${COUNT} mutated specs are refused, or make runs that hold`, async () => {
  const random = createRandom(seed, "specs");
  const source = JSON.parse(JSON.stringify(SPEC));
  const { refused, taken } = await fuzz("specs", () => {
    const given = random.integer(2) === 0 ? { ...source, steps: undefined, budget: { flops: 1e9 } } : source;
    const spec = parseSweepSpec(mutateJson(JSON.parse(JSON.stringify(given)), random), "the fuzzed spec");
    const runs = expandSweep(spec, { data: "text.txt", threads: 1, vocabSize: () => 300 });
    assert(runs.length > 0);
    for (const run of runs.slice(0, 20)) {
      assert(Number.isInteger(run.B) && run.B >= 1 && run.steps >= 1 && run.T >= 1);
      assert(estimateBytes(run, 300) > 0);
    }
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});

const idOf = ({ id }: { id: string }) => id;

/** Requires that a value has the fields of a JSON file as they are written there. */
function requireStated(read: object, bytes: Uint8Array, fields: readonly string[]): void {
  const json = JSON.parse(new TextDecoder().decode(bytes));
  for (const field of fields) assertEquals((read as Record<string, unknown>)[field], json[field], field);
}

/** Returns whether a JSON file still has its checksum. A file without one is read as version 0.1 wrote it. */
function hasChecksum(bytes: Uint8Array): boolean {
  return Object.hasOwn(JSON.parse(new TextDecoder().decode(bytes)), "checksum");
}

/** Returns a valid plan, and the folder of a valid run. */
function sources(): { plan: Plan; run: string } {
  const dir = join(root, "source");
  const losses = Array.from({ length: 12 }, (_, i) => i === 7 ? NaN : 4 - i / 10);
  const run = writeSyntheticRun(dir, { losses, evals: [{ step: 0, loss: 4 }, { step: 12, loss: Infinity }] });
  const { spec, data, libSha256 } = readManifest(runPaths(run).manifest);
  const runs = expandSweep(parseSweepSpec({ ...SPEC, budget: undefined }, "the source"), {
    data: data.name,
    threads: spec.threads,
  }).map((spec, i) => ({ id: String(i).padStart(12, "0"), spec }));
  return { plan: { format: "losskit-plan/1", name: "fuzz", data, libSha256, threads: 1, runs }, run };
}

Deno.test(`${COUNT} mutated plans are refused, or read and held against the real one`, async () => {
  const random = createRandom(seed, "plans");
  const { plan } = sources();
  const dir = join(root, "plan");
  await placePlan(dir, plan);
  const path = join(dir, "plan.json"), sealed = Deno.readTextFileSync(path);
  const text = editRecord(path, (text) => text);
  const { refused } = await fuzz("plans", async () => {
    const bytes = mutateText(random.integer(4) === 0 ? sealed : text, random);
    Deno.writeFileSync(path, bytes);
    const read = readPlan(dir);
    assert(read !== undefined);
    if (hasChecksum(bytes)) assertEquals(read, plan);
    requireStated(read, bytes, ["format", "name", "libSha256", "threads"]);
    assertEquals(read.runs.map(idOf), JSON.parse(new TextDecoder().decode(bytes)).runs.map(idOf));
    for (const { id, spec } of read.runs.slice(0, 5)) {
      assert(typeof id === "string" && modelOf(spec, 50).vocabSize === 50);
    }
    await placePlan(dir, plan); // it is the same, or another one, which is an error
  });
  assert(refused > 0);
});

Deno.test(`${COUNT} mutated journals are refused, or read as events that tables can be made of`, async () => {
  const random = createRandom(seed, "journals");
  const { run } = sources();
  const folder = join(root, "journal");
  Deno.mkdirSync(folder);
  const paths = runPaths(folder);
  Deno.copyFileSync(runPaths(run).manifest, paths.manifest);
  const sealed = Deno.readFileSync(runPaths(run).journal);
  const lines = editRecord(runPaths(run).journal, (text) => text).trimEnd().split("\n");
  const original = readJournal(runPaths(run).journal).events;
  const known = new Set(original.map((event) => formatEvent(event)));
  const { refused, taken } = await fuzz("journals", () => {
    const kind = random.integer(3);
    if (kind === 2) Deno.writeFileSync(paths.journal, mutateBytes(sealed, random));
    else if (kind === 1) {
      Deno.writeFileSync(
        paths.journal,
        mutateBytes(new TextEncoder().encode(`${lines.join("\n")}\n`), random),
      );
    } else {
      const at = random.integer(lines.length);
      const line = JSON.stringify(mutateJson(JSON.parse(lines[at]!), random));
      Deno.writeTextFileSync(paths.journal, `${lines.with(at, line).join("\n")}\n`);
    }
    const { events, validBytes } = readJournal(paths.journal);
    // A journal that lost all of its checksums is read as version 0.1 wrote it.
    const isSealed = kind === 2 && Deno.readTextFileSync(paths.journal).includes(',"crc":"');
    for (const event of isSealed ? events : []) assert(known.has(formatEvent(event)), formatEvent(event));
    compareJournals(events, original);
    statusOf(events);
    const { steps } = effectiveEvents(events);
    steps.forEach((step, i) => assertEquals(step.step, i + 1));
    const record = readRun(folder);
    for (const columns of [runColumns, stepColumns, evalColumns]) columns([record]);
    // Data appended after a truncation start on a new line.
    using writer = new JournalWriter(paths.journal, validBytes);
    if (events.length > 0) writer.write({ event: "resume", step: steps.length });
    assertEquals(readJournal(paths.journal).events.length, events.length === 0 ? 0 : events.length + 1);
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});

Deno.test(`${COUNT} mutated manifests are refused, or read`, async () => {
  const random = createRandom(seed, "manifests");
  const { run } = sources();
  const folder = join(root, "manifest");
  Deno.mkdirSync(folder);
  const paths = runPaths(folder);
  Deno.copyFileSync(runPaths(run).journal, paths.journal);
  const want = readManifest(runPaths(run).manifest), sealed = Deno.readTextFileSync(runPaths(run).manifest);
  const text = editRecord(runPaths(run).manifest, (text) => text);
  const { refused, taken } = await fuzz("manifests", () => {
    const bytes = mutateText(random.integer(4) === 0 ? sealed : text, random);
    Deno.writeFileSync(paths.manifest, bytes);
    const record = readRun(folder);
    if (hasChecksum(bytes)) assertEquals(record.manifest, want);
    requireStated(record.manifest, bytes, ["format", "runId", "libSha256"]);
    runColumns([record]);
    modelOf(record.manifest.spec, 50);
  });
  assert(refused > 0 && taken > 0, `refused ${refused}, taken ${taken}`);
});
