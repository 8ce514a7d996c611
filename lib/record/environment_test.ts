import { assert, assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { collectEnvironment } from "./environment.ts";

Deno.test("collectEnvironment() describes this machine, with the given TensorFlow properties", async () => {
  const given = { tensorflowVersion: "2.21.0", wheelSha256: undefined, device: "cpu", rounding: "once" };
  const environment = await collectEnvironment(given);
  assertEquals(environment.denoVersion, Deno.version.deno);
  assertEquals(environment.arch, Deno.build.arch);
  assertEquals(environment.cores, navigator.hardwareConcurrency);
  assertEquals(environment.tensorflowVersion, "2.21.0");
  assertEquals(environment.rounding, "once");
  if (environment.gitCommit !== undefined) assertMatch(environment.gitCommit, /^[0-9a-f]{40,64}$/);
  if (environment.gitDiffSha256 !== undefined) assertMatch(environment.gitDiffSha256, /^[0-9a-f]{64}$/);
  if (Deno.build.os === "linux" && Deno.build.arch === "x86_64") {
    assert(environment.cpuModel !== undefined && environment.cpuModel !== "");
    const flags = Deno.readTextFileSync("/proc/cpuinfo").match(/^flags\s*:(.*)$/m)![1]!.trim().split(/\s+/);
    for (const flag of ["avx2", "fma", "avx512f", "amx_bf16"]) {
      assertEquals(environment.cpuFlags.includes(flag), flags.includes(flag), flag);
    }
  }
});

Deno.test("collectEnvironment() works without git and without permissions", async () => {
  const folder = Deno.makeTempDirSync();
  const script = join(folder, "script.ts");
  try {
    const module = new URL("./environment.ts", import.meta.url).href;
    Deno.writeTextFileSync(
      script,
      `import { collectEnvironment } from ${JSON.stringify(module)};
const environment = await collectEnvironment({ tensorflowVersion: "1", wheelSha256: undefined, device: "cpu", rounding: "" });
console.log(JSON.stringify([environment.gitCommit ?? "none", environment.cpuModel ?? "none"]));`,
    );
    // Neither programs nor /proc are accessible. Unknown fields are omitted.
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-env",
        "--allow-sys",
        `--allow-read=${import.meta.dirname}`,
        script,
      ],
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout).trim(),
      '["none","none"]',
      new TextDecoder().decode(stderr),
    );
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});
