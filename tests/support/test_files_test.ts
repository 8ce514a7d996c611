import { assertArrayIncludes, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { dirname, join } from "node:path";
import { closingLine, findTestFiles, runTestFiles, type TestRunOptions } from "./test_files.ts";
import { type Outcome, readJunit } from "./test_process.ts";

/** Runs files with the given names and texts. Returns the counts and the written lines. */
async function run(
  texts: Record<string, string>,
  options: Partial<TestRunOptions> = {},
): Promise<{ outcome: Outcome; lines: string[] }> {
  const folder = await Deno.makeTempDir();
  try {
    for (const [name, text] of Object.entries(texts)) {
      await Deno.mkdir(dirname(join(folder, name)), { recursive: true });
      await Deno.writeTextFile(join(folder, name), text);
    }
    const lines: string[] = [];
    const outcome = await runTestFiles({ roots: [folder], write: (line) => lines.push(line), ...options });
    return { outcome, lines: lines.map((line) => line.replaceAll(`${folder}/`, "")) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("runTestFiles() counts what passes, fails and is skipped, a test with its steps once", async () => {
  const { outcome, lines } = await run({
    "a_test.ts": `Deno.test("a", () => {});
      Deno.test("b", async (t) => { await t.step("c", () => {}); await t.step("d", () => {}); });`,
    "deep/b_test.ts": `Deno.test("bad", () => { throw new Error("for a reason"); });
      Deno.test("bad step", async (t) => { await t.step("c", () => { throw new Error("inside"); }); });
      Deno.test("good", () => {});
      Deno.test.ignore("later", () => {});`,
    "helper.ts": `throw new Error("is no test");`,
  });
  assertEquals(outcome, { passed: 3, failed: 2, skipped: 1 });
  assertEquals(lines.at(-1), "3 passed, 2 failed, 1 skipped");
  assertStringIncludes(lines.join("\n"), "for a reason");
  assertMatch(lines.join("\n"), /^ok a_test\.ts: 2 passed, 0 failed \([\d.]+ s\)$/m);
  assertMatch(lines.join("\n"), /^FAILED deep\/b_test\.ts: 1 passed, 2 failed, 1 skipped \(/m);
  assertMatch(lines.at(-2) ?? "", /^slowest: (a|deep\/b)_test\.ts [\d.]+ s, /);
});

Deno.test("runTestFiles() counts 1 failed for a file that crashes, and runs the others", async () => {
  const { outcome, lines } = await run({
    "a_test.ts": `Deno.test("before", () => {});
      Deno.test("dies", () => Deno.kill(Deno.pid, "SIGKILL"));`,
    "b_test.ts": `Deno.test("after", () => {});`,
  });
  assertEquals(outcome, { passed: 1, failed: 1, skipped: 0 });
  assertStringIncludes(lines.join("\n"), "a_test.ts: ended by SIGKILL)");
});

Deno.test("runTestFiles() counts 1 failed for a file that does not load, or ends early, or holds no test", async () => {
  const { outcome, lines } = await run({
    "empty_test.ts": `export {};`,
    "exit_test.ts": `Deno.exit(0);\nDeno.test("a", () => {});`,
    "load_test.ts": `Deno.test("a", () => {});\nthrow new Error("at load");`,
  });
  assertEquals(outcome, { passed: 0, failed: 3, skipped: 0 });
  assertStringIncludes(lines.join("\n"), "empty_test.ts: it holds no test, or ended before them)");
  assertStringIncludes(lines.join("\n"), "at load");
});

Deno.test("runTestFiles() counts a test as failed that an uncaught error ends", async () => {
  const { outcome, lines } = await run({
    "a_test.ts": `Deno.test("one", () => {});
      Deno.test("two", async () => {
        setTimeout(() => { throw new Error("out of turn"); }, 1);
        await new Promise((resolve) => setTimeout(resolve, 1000));
      });`,
  });
  assertEquals(outcome, { passed: 1, failed: 1, skipped: 0 });
  assertStringIncludes(lines.join("\n"), "out of turn");
});

Deno.test("runTestFiles() kills a file that takes too long", async () => {
  const { outcome, lines } = await run(
    { "a_test.ts": `Deno.test("waits", () => { while (true); });` },
    { limit: 3000 },
  );
  assertEquals(outcome, { passed: 0, failed: 1, skipped: 0 });
  assertStringIncludes(lines.join("\n"), "killed: it took longer than 3 s");
});

Deno.test("runTestFiles() does not wait for a process that a file leaves behind", async () => {
  const idFile = await Deno.makeTempFile();
  const { outcome } = await run({
    "a_test.ts": `Deno.test({ name: "spawns", sanitizeResources: false, sanitizeOps: false, fn() {
      const left = new Deno.Command("sleep", { args: ["7200"], stdout: "inherit", stderr: "inherit" }).spawn();
      left.unref();
      Deno.writeTextFileSync(${JSON.stringify(idFile)}, String(left.pid));
    } });`,
  });
  assertEquals(outcome, { passed: 1, failed: 0, skipped: 0 });
  Deno.kill(Number(await Deno.readTextFile(idFile))); // throws if it has ended
  await Deno.remove(idFile);
});

Deno.test("runTestFiles() counts a type error as 1 failed", async () => {
  const { outcome, lines } = await run({
    "a_test.ts": `const n: number = "text";\nDeno.test("a", () => { n; });`,
  });
  assertEquals(outcome, { passed: 1, failed: 1, skipped: 0 });
  assertStringIncludes(lines[0] ?? "", "TS2322");
});

Deno.test("runTestFiles() runs files marked as heavy last and alone", async () => {
  // Each file records its start and its end.
  const text = (name: string) =>
    `const note = (what: string) =>
       Deno.writeTextFileSync(new URL("notes", import.meta.url), \`\${what} ${name}\\n\`, { append: true });
     Deno.test("${name}", async () => {
       note("begin");
       await new Promise((resolve) => setTimeout(resolve, 300));
       note("end");
     });`;
  const folder = await Deno.makeTempDir();
  try {
    const files = {
      a: `/** Says what it is. */\n// @heavy\n${text("a")}`,
      b: `// @heavy\n${text("b")}`,
      c: `import "./d.ts";\n// @heavy\n${text("c")}`,
    };
    await Deno.writeTextFile(join(folder, "d.ts"), "export {};");
    for (const [name, body] of Object.entries(files)) {
      await Deno.writeTextFile(join(folder, `${name}_test.ts`), body);
    }
    const outcome = await runTestFiles({ roots: [folder], write: () => {} });
    assertEquals(outcome, { passed: 3, failed: 0, skipped: 0 });
    const notes = (await Deno.readTextFile(join(folder, "notes"))).trim().split("\n");
    assertEquals(notes, ["begin c", "end c", "begin a", "end a", "begin b", "end b"]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("runTestFiles() runs only what a filter names, and says so when that is nothing", async () => {
  const texts = {
    "one/a_test.ts": `Deno.test("a", () => {});`,
    "two/b_test.ts": `throw new Error("not asked for");`,
  };
  assertEquals((await run(texts, { filters: ["one/"] })).outcome, { passed: 1, failed: 0, skipped: 0 });
  const { outcome, lines } = await run(texts, { filters: ["three"] });
  assertEquals(outcome, { passed: 0, failed: 0, skipped: 0 });
  assertMatch(lines[0] ?? "", /^no test file: looked in .*, three$/);
  assertEquals(lines.at(-1), "0 passed, 0 failed");
});

Deno.test("closingLine() leaves out skipped tests where there are none", () => {
  assertEquals(closingLine({ passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
});

Deno.test("findTestFiles() passes over folders that do not exist and finds itself", () => {
  assertEquals(findTestFiles(["no_such_folder"]), []);
  const here = join("tests", "support");
  assertArrayIncludes(findTestFiles([here]), [join(here, "test_files_test.ts")]);
});

Deno.test("readJunit() takes no test for a step because of its name", () => {
  const test = (name: string) => `<testcase name="${name}" classname="./a_test.ts" time="0.1">\n</testcase>`;
  const xml = [test("a &gt; b"), test("c"), test("c &gt; step"), test("c &gt; step &gt; deeper")].join("\n");
  assertEquals(readJunit(xml), { passed: 2, failed: 0, skipped: 0 });
  assertEquals(readJunit(""), { passed: 0, failed: 0, skipped: 0 });
});
