import { assertEquals } from "@std/assert";
import { writeSyntheticRun } from "../../tests/support/synthetic_runs.ts";

Deno.test("report() does not load TF.js, which would take a tenth of a second", async () => {
  const dir = Deno.makeTempDirSync();
  try {
    writeSyntheticRun(dir, { losses: [3, 2] });
    const program = `
      const { report } = await import(${JSON.stringify(import.meta.resolve("./report.ts"))});
      await report(${JSON.stringify(dir)});
      console.log("_tfengine" in globalThis);
    `;
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: ["eval", "--no-check", program],
      cwd: import.meta.dirname!,
      stderr: "inherit",
    }).output();
    assertEquals(new TextDecoder().decode(stdout).trim(), "false");
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
