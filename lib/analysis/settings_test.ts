import { assertEquals } from "@std/assert";
import { recordRuns } from "../../tests/support/synthetic_runs.ts";
import { pairGroups } from "./groups.ts";

/** Returns a pair of runs of a setting. */
const pair = (spec: object, more: object = {}) =>
  ["float32", "bf16-autocast"].map((policy) => ({
    losses: [3, 2],
    evals: [{ step: 2, loss: 2 }],
    spec: { ...spec, policy },
    ...more,
  }));

const settingsOf = (runs: Parameters<typeof recordRuns>[0]) =>
  pairGroups(recordRuns(runs)).map(({ setting }) => setting);

Deno.test("settings are in order of their numeric fields", () => {
  assertEquals(
    settingsOf([0.01, 0.001, 0.1, 0.0001].flatMap((lr) => pair({ lr, minLr: 0 }))),
    ["0.0001", "0.001", "0.01", "0.1"].map((lr) => `character, T = 64, lr = ${lr}`),
  );
});

Deno.test("settings that differ in code alone have names of their own", () => {
  const codes = ["1", "2"].map((digit) => digit.repeat(64));
  assertEquals(
    settingsOf(codes.flatMap((libSha256) => pair({}, { libSha256 }))).sort(),
    ["character, T = 64, code 111111111111", "character, T = 64, code 222222222222"],
  );
});
