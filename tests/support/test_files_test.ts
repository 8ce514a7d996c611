import { assertEquals } from "@std/assert";
import { join } from "node:path";
import { closingLine, findTestFiles, runTestFiles } from "./test_files.ts";

Deno.test("runTestFiles() counts what passes, fails, is skipped, crashes and does not load", async () => {
  const folder = await Deno.makeTempDir();
  try {
    const files = {
      "pass_test.ts":
        `Deno.test("a", () => {}); Deno.test("b", async (t) => { await t.step("c", () => {}); });`,
      "mixed_test.ts": `Deno.test("bad", () => { throw new Error("why"); }); Deno.test("good", () => {});
        Deno.test.ignore("later", () => {});`,
      "crash_test.ts":
        `Deno.test("before", () => {}); Deno.test("dies", () => Deno.kill(Deno.pid, "SIGKILL"));`,
      "load_test.ts": `throw new Error("at load");`,
      "helper.ts": `throw new Error("is no test");`,
    };
    for (const [name, text] of Object.entries(files)) await Deno.writeTextFile(join(folder, name), text);
    const lines: string[] = [];
    const outcome = await runTestFiles({ roots: [folder], write: (line) => lines.push(line) });
    // Steps are tests of their own in deno's count and in its report.
    assertEquals(outcome, { passed: 4, failed: 3, skipped: 1 });
    assertEquals(lines.at(-1), "4 passed, 3 failed, 1 skipped");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("closingLine() leaves out skipped tests where there are none", () => {
  assertEquals(closingLine({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
});

Deno.test("findTestFiles() passes over folders that do not exist", () => {
  assertEquals(findTestFiles(["no_such_folder"]), []);
});
