import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "node:path";
import { SPEC, writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import { readManifest, runIdOf, writeManifest } from "./manifest.ts";

Deno.test("runIdOf() depends on spec, data and code, but not on the order of fields", () => {
  const run = { spec: SPEC, dataSha256: "d", libSha256: "l" };
  const id = runIdOf(run);
  assertMatch(id, /^[0-9a-f]{12}$/);
  const reversed = Object.fromEntries(Object.entries(SPEC).reverse()) as unknown as typeof SPEC;
  assertEquals(runIdOf({ libSha256: "l", dataSha256: "d", spec: reversed }), id);
  assertNotEquals(runIdOf({ ...run, dataSha256: "e" }), id);
  assertNotEquals(runIdOf({ ...run, libSha256: "m" }), id);
  for (const [field, value] of Object.entries(SPEC)) {
    const changed = typeof value === "number" ? value + 1 : `${value}x`;
    assertNotEquals(runIdOf({ ...run, spec: { ...SPEC, [field]: changed } }), id, field);
  }
});

Deno.test("readManifest() returns the manifest of writeManifest()", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const path = join(writeSyntheticRun(dir, { losses: [1] }), "manifest.json");
    const manifest = readManifest(path);
    assertEquals(manifest.spec, { ...SPEC, steps: 1 });
    assertEquals(manifest.environment.cpuFlags, ["avx2", "fma"]);
    const copy = join(dir, "copy.json");
    writeManifest(copy, manifest);
    assertEquals(readManifest(copy), manifest);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("readManifest() refuses a spec, text or code of another run, and reads specs without later fields", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const path = join(writeSyntheticRun(dir, { losses: [1] }), "manifest.json");
    const { checksum: _, ...good } = JSON.parse(Deno.readTextFileSync(path));
    const read = (value: unknown) => {
      Deno.writeTextFileSync(path, JSON.stringify(value));
      return readManifest(path);
    };
    const changes = [
      { spec: { ...good.spec, lr: 2 * good.spec.lr } },
      { spec: { ...good.spec, note: "a field that no version has" } },
      { data: { ...good.data, sha256: "1".repeat(64) } },
      { libSha256: "1".repeat(64) },
      { runId: "0123456789ab" },
    ];
    for (const change of changes) {
      const { message } = assertThrows(() => read({ ...good, ...change }), UserError);
      const { runId } = { ...good, ...change };
      assertStringIncludes(
        message,
        `Cannot read ${path}: expected the spec, text and code of run ${runId}, got those of run `,
      );
    }
    // Fields that are not part of the ID may differ.
    assertEquals(read({ ...good, data: { ...good.data, path: "elsewhere" } }).data.path, "elsewhere");
    const { dropout, ...spec } = good.spec; // a field that losskit 0.1 did not have at first
    const runId = runIdOf({ spec, dataSha256: good.data.sha256, libSha256: good.libSha256 });
    assertEquals(read({ ...good, spec, runId }).spec.dropout, dropout);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("readManifest() reports the file and the invalid field", () => {
  const dir = Deno.makeTempDirSync();
  try {
    const path = join(writeSyntheticRun(dir, { losses: [1] }), "manifest.json");
    const { checksum, ...good } = JSON.parse(Deno.readTextFileSync(path));
    const refused = (value: unknown, reason: string) => {
      Deno.writeTextFileSync(path, typeof value === "string" ? value : JSON.stringify(value));
      assertThrows(() => readManifest(path), UserError, `Cannot read ${path}`);
      assertThrows(() => readManifest(path), UserError, reason);
    };
    refused({ ...good, format: "losskit-run/2" }, "format");
    refused({ ...good, spec: { ...good.spec, T: "64" } }, "spec.T");
    refused({ ...good, data: { name: "x" } }, "data.sha256");
    refused({ ...good, environment: { ...good.environment, cpuFlags: "avx2" } }, "environment.cpuFlags");
    refused({ ...good, libSha256: "1".repeat(64), checksum }, "expected content with checksum");
    refused([], "format");
    refused("{", "JSON");
    Deno.removeSync(path);
    assertThrows(() => readManifest(path), UserError, "got no file");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
