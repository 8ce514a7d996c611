import { assertEquals } from "@std/assert";
import { join } from "node:path";
import type { RunEvent, StepEvent } from "./event.ts";
import { effectiveEvents } from "./journal.ts";
import { EventStore, seriesOf } from "./run_series.ts";
import { readLines } from "./_lines.ts";

const TIME = "2026-02-28T23:59:59.987Z";

function step(n: number, more: Partial<StepEvent> = {}): StepEvent {
  const figures = { loss: n / 3, lr: 1e-3, gradNorm: 1 / n, tokensPerSecond: 5e3 };
  return { event: "step", step: n, ...figures, time: TIME, ...more };
}

function evaluation(n: number): RunEvent {
  return { event: "eval", step: n, loss: n, bitsPerByte: n, tokens: 1, seconds: 1, time: TIME };
}

/** Returns events of every type and form, with repeated steps. */
const EVENTS: RunEvent[] = [
  { event: "start", runId: "a", seed: 1, time: TIME },
  evaluation(0),
  step(1, { loss: NaN, gradNorm: Infinity }),
  step(2, { lossScale: 65536 }),
  step(3, { lossScale: NaN }),
  step(4, { probes: { linear: { mean: 1, each: [1, NaN] } } }),
  evaluation(4),
  { event: "resume", step: 2, time: TIME },
  { event: "resume", step: 2, time: TIME },
  step(3, { time: "2026-03-01T00:00:00.000Z", loss: -0 }),
  step(4, { time: "2026-02-30T00:00:00.000Z" }), // invalid date
  step(5, { time: "yesterday" }),
  ...Array.from({ length: 300 }, (_, i) => step(6 + i)),
  evaluation(305),
  { event: "resume", step: 300, time: TIME },
  step(301),
  { event: "fail", message: "no memory", time: TIME },
];

Deno.test("EventStore restores every event, and returns effective steps and evaluations", () => {
  for (let length = 0; length <= EVENTS.length; length++) {
    const events = EVENTS.slice(0, length), store = new EventStore();
    for (const event of events) store.add(event);
    assertEquals(store.length, length);
    if (length % 50 === 0 || length < 15 || length > EVENTS.length - 4) assertEquals([...store], events);
    const { steps, evals } = seriesOf({ events });
    const wanted = effectiveEvents(events);
    assertEquals(evals, wanted.evals);
    assertEquals([...steps.step], wanted.steps.map((event) => event.step));
    for (const name of ["loss", "lr", "gradNorm", "tokensPerSecond"] as const) {
      assertEquals([...steps[name]], wanted.steps.map((event) => event[name]));
    }
    const scales = wanted.steps.map(({ lossScale }) => lossScale ?? NaN);
    assertEquals([...steps.lossScale ?? scales], scales);
  }
});

Deno.test("readLines() returns lines of any length across piece boundaries, and the remainder", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const path = join(dir, "lines");
    // Characters of 1 to 4 bytes, so that reads of 1 MiB end inside of characters. One line is longer than a read.
    const lines = [
      "",
      "é",
      "x".repeat(3_000_001),
      ...Array.from({ length: 60_000 }, (_, i) => `${i} ☃𝄞é`),
      "",
    ];
    for (const tail of ["", '{"half', "𝄞"]) {
      Deno.writeTextFileSync(path, `\ufeff${lines.join("\n")}\n${tail}`);
      const found: string[] = [];
      const rest = readLines(path, (line, i) => {
        assertEquals(i, found.length);
        found.push(line);
      });
      assertEquals(found.length, lines.length);
      assertEquals(found.findIndex((line, i) => line !== lines[i]), -1);
      assertEquals(rest.tail, tail);
      assertEquals(rest.validBytes, Deno.statSync(path).size - new TextEncoder().encode(tail).length);
    }
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
