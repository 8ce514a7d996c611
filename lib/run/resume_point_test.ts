import { assertEquals, assertThrows } from "@std/assert";
import { UserError } from "../error/user_error.ts";
import { encodeSafetensors } from "../model/mod.ts";
import { type RunEvent, runPaths, sha256Hex } from "../record/mod.ts";
import { findResumePoint } from "./resume_point.ts";

/** Returns a checkpoint of a step. Its best evaluation was at step `best`. */
function checkpoint(step: number, best?: [number, number]): Uint8Array<ArrayBuffer> {
  const history = best === undefined
    ? { waited: 1 }
    : { best: { step: best[0], loss: best[1] }, waited: Math.floor((step - best[0]) / 2) };
  return encodeSafetensors({
    tensors: { w: { shape: [1], values: Float32Array.of(step) } },
    metadata: {
      format: "losskit-checkpoint/1",
      step: String(step),
      batches: JSON.stringify({ windows: step }),
      evaluations: JSON.stringify(history),
    },
  });
}

/** Returns step events, with an evaluation at each even step, whose loss is `10 - step - less`. */
function steps(from: number, to: number, less = 0): RunEvent[] {
  const events: unknown[] = from === 1 ? [evaluation(0, less)] : [];
  for (let step = from; step <= to; step++) {
    events.push({ event: "step", step, loss: 1, lr: 1, gradNorm: 1, tokensPerSecond: 1, time: "" });
    if (step % 2 === 0) events.push(evaluation(step, less));
  }
  return events as RunEvent[];
}

function evaluation(step: number, less: number): unknown {
  return { event: "eval", step, loss: 10 - step - less, bitsPerByte: 1, tokens: 1, seconds: 1, time: "" };
}

const resume = (step: number) => [{ event: "resume", step, time: "" }] as RunEvent[];

/**
 * Returns the resume point for these files. The best checkpoint is named by the step whose content it has afterward.
 */
function find(
  files: { checkpoint?: Uint8Array; best?: Uint8Array },
  events: RunEvent[],
  saveBest = true,
): { step: number; best: string | undefined; missing: string | undefined } | undefined {
  const folder = Deno.makeTempDirSync();
  try {
    const paths = runPaths(folder);
    if (files.checkpoint) Deno.writeFileSync(paths.checkpoint, files.checkpoint);
    if (files.best) Deno.writeFileSync(paths.best, files.best);
    const found = findResumePoint(paths, { events, spec: { steps: 20, evalEvery: 2, saveBest } });
    if (found === undefined) return undefined;
    assertEquals(found.sha256, sha256Hex(found.bytes));
    const of = Object.entries(files).find(([, bytes]) => sha256Hex(bytes) === found.bestSha256);
    return { step: found.step, best: of?.[0], missing: found.missing };
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
}

Deno.test("findResumePoint() returns the last checkpoint and its best checkpoint", () => {
  const files = { checkpoint: checkpoint(5, [4, 6]), best: checkpoint(4, [4, 6]) };
  assertEquals(find(files, steps(1, 7)), { step: 5, best: "best", missing: undefined });
  assertEquals(find(files, steps(1, 7), false), { step: 5, best: undefined, missing: undefined });
  assertEquals(find(files, steps(1, 4)), undefined, "the journal does not reach it");
  assertEquals(find({ best: files.best }, steps(1, 7)), undefined);
  assertEquals(find({ checkpoint: checkpoint(5) }, steps(1, 7)), {
    ...{ step: 5, best: undefined, missing: undefined },
  });
});

Deno.test("findResumePoint() returns the best checkpoint if it is newer than the last", () => {
  const files = { checkpoint: checkpoint(5, [4, 6]), best: checkpoint(8, [8, 2]) };
  assertEquals(find(files, steps(1, 9)), { step: 8, best: "best", missing: "checkpoint" });
  assertEquals(find({ ...files, checkpoint: checkpoint(5) }, steps(1, 9))?.step, 8);
});

Deno.test("findResumePoint() ignores the best checkpoint of a superseded step", () => {
  const best = checkpoint(8, [8, 2]);
  const again = [...steps(1, 9), ...resume(5)];
  const files = { checkpoint: checkpoint(5, [4, 6]), best };
  assertEquals(find(files, again), undefined, "its best checkpoint is gone: it is made anew from the start");
  assertEquals(find(files, [...again, ...steps(6, 9, 0.5)]), undefined, "step 8 has another loss now");
  assertEquals(find(files, steps(1, 7)), undefined, "the journal was cut");
  // If the last checkpoint has the best evaluation, it also replaces the best one.
  const last = { checkpoint: checkpoint(4, [4, 6]), best };
  assertEquals(find(last, [...steps(1, 9), ...resume(4)]), { step: 4, best: "checkpoint", missing: "best" });
  assertEquals(find({ checkpoint: last.checkpoint }, steps(1, 5)), {
    ...{ step: 4, best: "checkpoint", missing: "best" },
  });
  // Same step, but superseded by a resume.
  const other = { checkpoint: checkpoint(9, [8, 1.5]), best };
  assertEquals(find(other, [...again, ...steps(6, 9, 0.5)]), undefined);
});

Deno.test("findResumePoint() refuses a best checkpoint that differs from the journal", () => {
  const told = [{ event: "best", step: 8, sha256: "0".repeat(64), time: "" }] as RunEvent[];
  const files = { checkpoint: checkpoint(5, [4, 6]), best: checkpoint(8, [8, 2]) };
  assertThrows(
    () => find(files, [...steps(1, 8), ...told]),
    UserError,
    "best.safetensors: expected the file",
  );
});
