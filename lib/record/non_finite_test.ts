import { assertEquals } from "@std/assert";
import type { NewEvent, RunEvent } from "./event.ts";
import { describeNonFinite, firstNonFinite, type NonFiniteRecord, recordedNonFinite } from "./non_finite.ts";

const found = (step: number): NonFiniteRecord => ({
  ...{ step, pass: "forward", layer: "h.1", opClass: "softmax", op: "rounding to e2m3" },
  inputs: [{ format: "float32", shape: [4, 8], min: -2.5, max: 1.25e7, nonFinite: 0, largest: 3.4e38 }],
  output: { format: "e2m3", shape: [4, 8], min: -2.5, max: 3, nonFinite: 0.25, largest: 3.75 },
});

const run = (...events: NewEvent[]) => ({
  events: events.map((event) => ({ ...event, time: "2026-01-02T03:04:05.678Z" }) as RunEvent),
});
const step = (step: number, loss = 1, gradNorm = 1, lossScale?: number): NewEvent => ({
  ...{ event: "step", step, loss, gradNorm, lr: 1, tokensPerSecond: 1, ...(lossScale && { lossScale }) },
});
const evaluation = (step: number, loss: number): NewEvent => ({
  ...{ event: "eval", step, loss, bitsPerByte: 1, tokens: 1, seconds: 1 },
});

Deno.test("firstNonFinite() returns the first loss, gradient or evaluation, and a skipped step only if there is no other", () => {
  const place = (step: number, more = {}) => ({ step, evaluation: false, skipped: false, ...more });
  assertEquals(firstNonFinite(run(step(1), evaluation(1, 2))), undefined);
  assertEquals(firstNonFinite(run(step(1), step(2, NaN), evaluation(2, NaN))), place(2));
  assertEquals(firstNonFinite(run(step(1), step(2, 1, Infinity))), place(2));
  assertEquals(
    firstNonFinite(run(step(1), evaluation(1, Infinity), step(2, NaN))),
    place(1, { evaluation: true }),
  );
  assertEquals(firstNonFinite(run(step(1, 1, NaN, 8), step(2, 1, 1, 4))), place(1, { skipped: true }));
  assertEquals(firstNonFinite(run(step(1, 1, NaN, 8), step(2, NaN, NaN, 4))), place(2));
});

Deno.test("recordedNonFinite() ignores an event that a resume supersedes", () => {
  const event = (at: number): NewEvent => ({ event: "nonFinite", ...found(at) });
  const resume: NewEvent = { event: "resume", step: 1 };
  assertEquals(recordedNonFinite(run(step(1), step(2))), undefined);
  assertEquals(recordedNonFinite(run(step(1), event(1), resume, step(2)))?.step, 1);
  assertEquals(recordedNonFinite(run(step(1), step(2), event(2), resume, step(2))), undefined);
  assertEquals(recordedNonFinite(run(step(1), step(2), event(2), resume, step(2), event(2)))?.step, 2);
});

Deno.test("describeNonFinite() names place, op, share and ranges", () => {
  assertEquals(
    describeNonFinite({ ...found(3), evaluation: true }),
    "First non-finite number: the evaluation after step 3, forward pass, h.1, softmax: rounding to e2m3 of finite inputs " +
      "gives NaN or infinity in 8 of 32 values. Inputs: float32 [4,8] from -2.5 to 1.250e+7; the largest e2m3 is 3.75.",
  );
  assertEquals(
    describeNonFinite({ ...found(3), pass: "weights", parameter: "wte.weight" }),
    "First non-finite number: wte.weight, before step 4: 8 of 32 weights are NaN or infinite.",
  );
});
