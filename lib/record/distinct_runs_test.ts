import { assertEquals } from "@std/assert";
import { recordRuns } from "../../tests/support/synthetic_runs.ts";
import { distinctRuns } from "./distinct_runs.ts";

Deno.test("distinctRuns() keeps the first of equal records, and reruns with other losses", () => {
  const record = (loss: number) => recordRuns([1, 2].map((seed) => ({ spec: { seed }, losses: [3, loss] })));
  const runs = record(2), copies = record(2), reruns = record(1.5);
  assertEquals(distinctRuns([...runs, ...runs]), runs);
  assertEquals(distinctRuns([...runs, ...copies, ...reruns]), [...runs, ...reruns]);
  assertEquals(distinctRuns([]), []);
});
