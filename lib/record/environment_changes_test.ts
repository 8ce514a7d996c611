import { assertEquals } from "@std/assert";
import type { Environment } from "./environment.ts";
import { describeChange, environmentChanges } from "./environment_changes.ts";

const HERE: Environment = {
  ...{ cpuModel: "CPU", cpuFlags: ["avx2", "fma"], cores: 2, os: "linux 6.1", arch: "x86_64" },
  ...{ denoVersion: "2.9.6", tensorflowVersion: "2.21.0", wheelSha256: "a".repeat(64), device: "cpu" },
  ...{ rounding: "nearest", onednn: undefined, gitCommit: "c", gitDiffSha256: undefined },
};

function mattering(change: Partial<Environment>): string[] {
  return environmentChanges(HERE, { ...HERE, ...change }).filter(({ matters }) => matters).map(
    describeChange,
  );
}

Deno.test("environmentChanges() returns all differences, and marks those that affect results", () => {
  assertEquals(environmentChanges(HERE, { ...HERE }), []);
  assertEquals(mattering({ cpuModel: "Other" }), ['cpuModel was "CPU", is "Other"']);
  assertEquals(mattering({ cpuFlags: ["avx2"] }), ['cpuFlags was ["avx2","fma"], is ["avx2"]']);
  assertEquals(mattering({ wheelSha256: undefined }), [`wheelSha256 was "${"a".repeat(64)}", is unknown`]);
  assertEquals(mattering({ onednn: "0" }), ['onednn was unknown, is "0"']);
  assertEquals(mattering({ os: "darwin 24" }), ['os was "linux 6.1", is "darwin 24"']);
  const without = { os: "linux 6.2", cores: 64, gitCommit: "d", gitDiffSha256: "e" };
  assertEquals(mattering(without), []);
  assertEquals(environmentChanges(HERE, { ...HERE, ...without }).map(({ field }) => field).sort(), [
    "cores",
    "gitCommit",
    "gitDiffSha256",
    "os",
  ]);
});

Deno.test("environmentChanges() treats records without a device as CPU", () => {
  assertEquals(environmentChanges({ ...HERE, device: undefined }, HERE), []);
});
