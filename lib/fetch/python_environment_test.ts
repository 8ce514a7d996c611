import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { BlobWriter, TextReader, ZipWriter } from "@zip.js/zip.js";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { UserError } from "../error/user_error.ts";
import { runPython } from "./python.ts";
import { ensurePython } from "./python_environment.ts";

/** Writes a wheel with one module, whose `value` is `1.0`, and returns its SHA-256. */
async function writeWheel(folder: string): Promise<string> {
  const zip = new ZipWriter(new BlobWriter());
  const info = "thing-1.0.dist-info";
  const members = {
    "thing.py": 'value = "1.0"\n',
    [`${info}/METADATA`]: "Metadata-Version: 2.1\nName: thing\nVersion: 1.0\n",
    [`${info}/WHEEL`]: "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    [`${info}/RECORD`]: `thing.py,,\n${info}/METADATA,,\n${info}/WHEEL,,\n${info}/RECORD,,\n`,
  };
  for (const [name, text] of Object.entries(members)) await zip.add(name, new TextReader(text));
  const bytes = new Uint8Array(await (await zip.close()).arrayBuffer());
  await Deno.writeFile(join(folder, "thing-1.0-py3-none-any.whl"), bytes);
  return createHash("sha256").update(bytes).digest("hex");
}

/** Runs with a cache, and with a folder of wheels as pip's only source. */
async function withWheels(work: (folder: string, sha256: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  const set = { LOSSKIT_CACHE: join(folder, "cache"), PIP_NO_INDEX: "1", PIP_FIND_LINKS: folder };
  const before = Object.keys(set).map((name) => [name, Deno.env.get(name)] as const);
  try {
    for (const [name, value] of Object.entries(set)) Deno.env.set(name, value);
    await work(folder, await writeWheel(folder));
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Deno.env.delete(name);
      else Deno.env.set(name, value);
    }
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ensurePython() installs the packages of its list once, and again when the list changes", () =>
  withWheels(async (folder, sha256) => {
    const list = join(folder, "list.txt");
    await Deno.writeTextFile(list, `thing==1.0 --hash=sha256:${sha256}\n`);
    let made = 0;
    const ensure = () => ensurePython({ name: "test", list, onMake: () => void made++ });
    const python = await ensure();
    const value = await runPython(python, ["-c", "import thing; print(thing.value)"]);
    assertEquals([value.stdout, await ensure(), made], ["1.0\n", python, 1]);
    await Deno.writeTextFile(list, `# changed\nthing==1.0 --hash=sha256:${sha256}\n`);
    await ensure();
    assertEquals(made, 2);
  }));

Deno.test("ensurePython() refuses a package with another hash, and a source package", () =>
  withWheels(async (folder, sha256) => {
    const list = join(folder, "list.txt");
    const ensure = () => ensurePython({ name: "test", list });
    await Deno.writeTextFile(list, `thing==1.0 --hash=sha256:${"0".repeat(64)}\n`);
    const error = await assertRejects(ensure, UserError);
    assertMatch(error.message, /^Cannot create the Python environment .*Tried:\n {2}python3 -m venv: ERROR/);
    assertEquals([...Deno.readDirSync(join(folder, "cache"))].map(({ name }) => name), ["test.lock"]);
    await Deno.rename(join(folder, "thing-1.0-py3-none-any.whl"), join(folder, "thing-1.0.zip"));
    await Deno.writeTextFile(list, `thing==1.0 --hash=sha256:${sha256}\n`);
    await assertRejects(ensure, UserError, "No matching distribution found for thing==1.0");
  }));

Deno.test("losskit and its tests always start Python with -I", () => {
  const root = join(import.meta.dirname!, "..", "..");
  let starts = 0;
  const visit = (folder: string) => {
    for (const { name, isDirectory } of Deno.readDirSync(folder)) {
      const path = join(folder, name);
      if (isDirectory) visit(path);
      if (!name.endsWith(".ts")) continue;
      const text = Deno.readTextFileSync(path);
      for (const [start] of text.matchAll(/\b(?:Command|capture|has)\(\s*(?:python|"python3?")\b[^;]*/g)) {
        assertMatch(start, /\[\s*"-I"/, path);
        starts++;
      }
    }
  };
  for (const folder of ["lib", "data", "tests"]) visit(join(root, folder));
  assertEquals(starts > 5, true);
});

Deno.test("every locked list has a hash for each package, and each package of its .in file", () => {
  const folders = [
    join(import.meta.dirname!, "..", "notebook"),
    join(import.meta.dirname!, "..", "..", "tests", "support", "python"),
  ];
  let lists = 0;
  for (const folder of folders) {
    for (const { name } of Deno.readDirSync(folder)) {
      if (!name.endsWith(".in")) continue;
      lists++;
      const locked = Deno.readTextFileSync(join(folder, name.replace(/in$/, "txt")));
      const entries = locked.replaceAll(/\\\n\s*/g, " ").split("\n").filter((line) => /^[a-z]/i.test(line));
      for (const entry of entries) assertMatch(entry, /^[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}/);
      for (const wanted of Deno.readTextFileSync(join(folder, name)).trim().split("\n")) {
        assertEquals(
          entries.some((entry) => entry.startsWith(`${wanted.replace("_", "-")} `)),
          true,
          `${name}: ${wanted}`,
        );
      }
    }
  }
  assertEquals(lists > 1, true);
});
