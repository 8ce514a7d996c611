// @heavy
/**
 * Trains nanoGPT's small setting on Shakespeare's characters (4 layers, 4 heads, width 128, T 64, B 12, 2,000 steps, float32).
 * Compares the loss with PyTorch's from the same weights on the same batches (`experiments/reference`).
 */
import { assertAlmostEquals, assertEquals, assertLess } from "@std/assert";
import { join } from "node:path";
import { type ReferenceCurve, referenceSpec } from "../experiments/reference/shakespeare.ts";
import { effectiveEvents, readRuns } from "../lib/record/mod.ts";
import { runTask } from "./support/commands.ts";

/** Tolerance of the loss on the whole validation split relative to PyTorch's, in nats. */
const BOUND = 0.05;

const curve = (name: string): ReferenceCurve =>
  JSON.parse(
    Deno.readTextFileSync(new URL(`../experiments/reference/shakespeare_${name}.json`, import.meta.url)),
  );
const torch = curve("torch");

/** Fields that can differ without a change of the training. */
const NOT_TRAINING = ["threads", "evalEvery", "checkpointEvery"];

function trainingOf(spec: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(spec).filter(([field]) => !NOT_TRAINING.includes(field)));
}

const RECORDED = [
  ["float32", torch, curve("losskit")],
  ["bf16-autocast", curve("torch_bf16"), curve("losskit_bf16")],
] as const;

Deno.test("the recorded curves of losskit and PyTorch have equal settings and agree within the tolerance", () => {
  for (const [policy, theirs, ours] of RECORDED) compareCurves([theirs, ours], policy);
});

function compareCurves([theirs, ours]: [ReferenceCurve, ReferenceCurve], policy: string): void {
  const wanted = trainingOf({ ...referenceSpec(), policy });
  for (const { settings, evals, validationTargets, lossPer100Steps } of [theirs, ours]) {
    // Options that were added later have their neutral defaults.
    for (const [field, value] of Object.entries(trainingOf(settings))) {
      assertEquals(value, wanted[field], field);
    }
    assertEquals(evals.map(({ step }) => step), [0, 500, 1000, 1500, 2000]);
    assertEquals(validationTargets, torch.validationTargets);
    assertEquals(lossPer100Steps.length, 20);
  }
  for (const [i, { loss }] of theirs.evals.entries()) assertAlmostEquals(ours.evals[i]!.loss, loss, BOUND);
}

Deno.test("2,000 steps on Shakespeare's characters reach PyTorch's loss on the whole validation split", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const { code, stderr } = await runTask("train", [
      ...[
        "--steps",
        "2000",
        "--seq",
        "64",
        "--batch",
        "12",
        "--n-layer",
        "4",
        "--n-head",
        "4",
        "--n-embd",
        "128",
      ],
      ...["--lr", "1e-3", "--min-lr", "1e-4", "--warmup-steps", "100", "--beta1", "0.9", "--beta2", "0.99"],
      ...["--weight-decay", "0.1", "--clip", "1", "--dropout", "0", "--seed", "1337", "--threads", "2"],
      ...[
        "--eval-every",
        "2000",
        "--eval-tokens",
        "all",
        "--checkpoint-every",
        "2000",
        "--out",
        join(dir, "run"),
      ],
    ]);
    assertEquals(code, 0, stderr);
    const [run] = readRuns(join(dir, "run"));
    assertEquals(trainingOf(run!.manifest.spec), trainingOf(referenceSpec()));
    const { evals, steps } = effectiveEvents(run!.events);
    assertEquals(steps.length, 2000);
    // With equal weights and batches, the first losses differ by rounding only. The differences grow during training.
    torch.firstLosses.forEach((loss, i) => assertAlmostEquals(steps[i]!.loss, loss, 2e-5, `step ${i + 1}`));
    torch.lossPer100Steps.forEach((loss, i) => {
      const mean = steps.slice(100 * i, 100 * i + 100).reduce((sum, step) => sum + step.loss, 0) / 100;
      assertAlmostEquals(mean, loss, BOUND, `steps ${100 * i + 1} to ${100 * i + 100}`);
    });
    assertEquals(
      evals.map(({ step, tokens }) => [step, tokens]),
      [0, 2000].map((step) => [step, torch.validationTargets]),
    );
    assertLess(Math.abs(evals.at(-1)!.loss - torch.evals.at(-1)!.loss), BOUND);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
