// @heavy
/**
 * The published small setting on Shakespeare: 4 layers, 4 heads, width 128, T 64, B 12, 2,000 steps, float32.
 */
import { assertEquals, assertLess } from "@std/assert";
import { join } from "node:path";
import { effectiveEvents, readRuns } from "../lib/record/mod.ts";
import { runTask } from "./support/commands.ts";

Deno.test("2,000 steps on Shakespeare's characters reach 1.95 nats on the validation part", async () => {
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
      ...["--lr", "2e-3", "--min-lr", "1e-4", "--warmup-steps", "100", "--seed", "1337"],
      ...[
        "--eval-every",
        "2000",
        "--eval-tokens",
        "1000000",
        "--checkpoint-every",
        "2000",
        "--out",
        join(dir, "run"),
      ],
    ]);
    assertEquals(code, 0, stderr);
    const [run] = readRuns(join(dir, "run"));
    const { evals, steps } = effectiveEvents(run!.events);
    assertEquals(steps.length, 2000);
    // The whole validation part: a tenth of five million characters.
    assertLess(490_000, evals.at(-1)!.tokens);
    assertLess(evals.at(-1)!.loss, 1.95);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
