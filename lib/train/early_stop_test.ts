import { assertEquals } from "@std/assert";
import { addEvaluation, NO_HISTORY } from "./early_stop.ts";

/** Returns the steps of improvements, and the step at which the run ends. */
function follow(losses: number[], config: { patience: number; minDelta: number }) {
  let history = NO_HISTORY;
  const improvements: number[] = [];
  for (const [step, loss] of losses.entries()) {
    const result = addEvaluation(history, { step, loss }, config);
    history = result.history;
    if (result.improved) improvements.push(step);
    if (result.stop) return { improvements, stoppedAt: step };
  }
  return { improvements, stoppedAt: undefined };
}

Deno.test("addEvaluation() stops after `patience` consecutive evaluations without improvement", () => {
  assertEquals(follow([5, 4, 4.1, 4.2, 3, 3.1, 3.2, 3.3, 1], { patience: 3, minDelta: 0 }), {
    improvements: [0, 1, 4],
    stoppedAt: 7,
  });
});

Deno.test("addEvaluation() never stops with a patience of 0", () => {
  assertEquals(follow([1, 2, 3, 4, 5], { patience: 0, minDelta: 0 }).stoppedAt, undefined);
});

Deno.test("addEvaluation() requires an improvement by more than minDelta", () => {
  assertEquals(follow([5, 4.95, 4.85, 4.8], { patience: 0, minDelta: 0.1 }).improvements, [0, 2]);
});

Deno.test("addEvaluation() does not count NaN and infinities as improvements, not even the first", () => {
  assertEquals(follow([NaN, Infinity, 5, NaN, -Infinity, 4], { patience: 4, minDelta: 0 }), {
    improvements: [2, 5],
    stoppedAt: undefined,
  });
  assertEquals(follow([NaN, NaN, NaN], { patience: 2, minDelta: 0 }).stoppedAt, 1);
});
