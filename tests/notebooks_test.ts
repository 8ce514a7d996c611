/**
 * `deno task notebooks`: checks, outputs, errors and exit statuses.
 */
import { assert, assertEquals, assertMatch, assertNotMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import {
  formatNotebook,
  joined,
  type MultilineText,
  type Notebook,
  readNotebook,
} from "../lib/notebook/ipynb.ts";

const root = new URL("../", import.meta.url).pathname;

/** Runs `deno task notebooks`. */
async function notebooks(...args: string[]): Promise<{ code: number; text: string }> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", "lib/cli/notebooks.ts", ...args],
    cwd: root,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const decoder = new TextDecoder();
  return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
}

const cell = (id: string, source: string, tags?: string[]): Notebook["cells"][number] => ({
  cell_type: "code",
  id,
  metadata: tags === undefined ? {} : { tags },
  source,
  outputs: [],
  execution_count: null,
});
const notebookOf = (...cells: Notebook["cells"]): Notebook => ({
  nbformat: 4,
  nbformat_minor: 5,
  metadata: { kernelspec: { name: "losskit", display_name: "x", language: "typescript" } },
  cells,
});

/** Runs `work` with a temporary folder of notebooks. */
async function withNotebooks(
  files: Record<string, Notebook>,
  body: (pathOf: (name: string) => string, folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "losskit nöte " });
  try {
    const pathOf = (name: string) => join(folder, `${name}.ipynb`);
    for (const [name, notebook] of Object.entries(files)) {
      await Deno.writeTextFile(pathOf(name), formatNotebook(notebook));
    }
    await body(pathOf, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const texts = (path: string): string[] =>
  readNotebook(path).cells.map(({ outputs = [] }) =>
    outputs.map((output) => joined((output["text"] ?? "") as MultilineText)).join("")
  );

const good = notebookOf(
  {
    cell_type: "markdown",
    id: "m",
    metadata: {},
    source: "# Ünits\n\n$$\nx^2\n$$\n\n<script>alert(1)</script>",
  },
  cell("p", "/** @integer @minimum 1 */\nconst T = 64;\nconst mode: 'a' | 'b' = 'a';", ["parameters"]),
  cell(
    "c",
    "console.log('T is', T, mode);\nawait Deno.jupyter.display(Deno.jupyter.svg`<svg><path/></svg>`);",
  ),
);

Deno.test("notebooks writes repeatable outputs, which are then current", async () => {
  await withNotebooks({ good }, async (pathOf, folder) => {
    assertEquals((await notebooks("--check", pathOf("good"))).code, 3);
    const { code, text } = await notebooks(pathOf("good"), "--html", join(folder, "pages"));
    assertEquals([code, text.includes("ran in")], [0, true], text);
    assertEquals(texts(pathOf("good"))[2], "T is 64 a\n");
    const first = await Deno.readTextFile(pathOf("good"));
    assertEquals((await notebooks(pathOf("good"))).code, 0);
    assertEquals(await Deno.readTextFile(pathOf("good")), first);
    const check = await notebooks("--check", pathOf("good"));
    assertEquals([check.code, check.text], [0, `${pathOf("good")}: fresh\n`]);

    // Changes of code or of files that a notebook reads make it stale. Changes of prose do not.
    const written = readNotebook(pathOf("good"));
    const changed = (edit: (notebook: Notebook) => void) => {
      const copy = structuredClone(written);
      edit(copy);
      Deno.writeTextFileSync(pathOf("good"), formatNotebook(copy));
    };
    changed(({ cells }) => cells[0]!.source = "other prose");
    assertEquals((await notebooks("--check", pathOf("good"))).code, 0);
    changed(({ cells }) => cells[2]!.source = `${joined(cells[2]!.source)}\n`);
    const stale = await notebooks("--check", pathOf("good"));
    assertEquals([stale.code, stale.text.includes("stale: cells changed")], [3, true], stale.text);
    changed(({ metadata }) =>
      metadata["losskit"] = { ...metadata["losskit"] as object, reads: ["data.txt"] }
    );
    assertMatch((await notebooks("--check", pathOf("good"))).text, /lists data\.txt in reads/);
    Deno.writeTextFileSync(join(folder, "data.txt"), "1");
    assertMatch((await notebooks("--check", pathOf("good"))).text, /stale: files that it reads changed/);
    changed(({ metadata }) => {
      const losskit = metadata["losskit"] as { sha256: Record<string, string> };
      metadata["losskit"] = { ...losskit, sha256: { ...losskit.sha256, lib: "0" } };
    });
    assertMatch((await notebooks("--check", pathOf("good"))).text, /stale: lib\/ changed/);

    const page = await Deno.readTextFile(join(folder, "pages", "good.html"));
    assertMatch(page, /<title>Ünits<\/title>/);
    assertMatch(page, /<math/);
    assertStringIncludes(page, "<svg><path/></svg>");
    assertNotMatch(page, /https?:\/\/(?!www\.w3\.org)/);
    assertStringIncludes(page, "default-src 'none'");
  });
});

Deno.test("notebooks writes outputs for given parameters to a copy", async () => {
  await withNotebooks(
    { good, other: notebookOf(cell("a", "console.log('no parameter')")) },
    async (pathOf, folder) => {
      const before = await Deno.readTextFile(pathOf("good"));
      const out = join(folder, "out");
      const { code, text } = await notebooks(
        pathOf("good"),
        pathOf("other"),
        "-p",
        "T=128",
        "-p",
        "mode=b",
        "--out",
        out,
      );
      assertEquals(code, 0, text);
      assertEquals(await Deno.readTextFile(pathOf("good")), before);
      assertEquals(texts(join(out, "good.ipynb")).at(-1), "T is 128 b\n");
      assertEquals(texts(join(out, "other.ipynb")), ["no parameter\n"]);
      for (
        const [given, message] of [
          ["T=0", "expected at least 1"],
          ["T=x", "expected a number"],
          ["mode=c", "expected one of a, b"],
          ["U=1", "expected a parameter of one of the notebooks"],
          ["T", "expected NAME=VALUE"],
        ]
      ) {
        const refused = await notebooks(pathOf("good"), "-p", given!, "--out", out);
        assertEquals(refused.code, 2, refused.text);
        assertStringIncludes(refused.text, message!);
        assertNotMatch(refused.text, /\n\s+at /);
      }
    },
  );
});

Deno.test("notebooks runs nothing after a type error, and continues after a notebook that fails", async () => {
  const files = {
    good,
    wrong: notebookOf(cell("w", "const n: number = 'text';\nDeno.writeTextFileSync('ran', '');")),
    failing: notebookOf(cell("a", "1"), cell("f", "\nthrow new RangeError('no é');")),
  };
  await withNotebooks(files, async (pathOf, folder) => {
    const before = await Deno.readTextFile(pathOf("failing"));
    const types = await notebooks(pathOf("good"), pathOf("wrong"));
    assertEquals(types.code, 2);
    assertStringIncludes(types.text, "Type 'string' is not assignable to type 'number'");
    assertStringIncludes(types.text, `${pathOf("wrong")}, cell 1 (w), line 1:7`);
    assertEquals([...Deno.readDirSync(folder)].some(({ name }) => name === "ran"), false);
    assertEquals(texts(pathOf("good"))[2], "");

    const failed = await notebooks(pathOf("failing"), pathOf("good"));
    assertEquals(failed.code, 3, failed.text);
    assertStringIncludes(failed.text, `${pathOf("failing")}, cell 2 (f): RangeError: no é`);
    assertStringIncludes(failed.text, `at ${pathOf("failing")}, cell 2 (f), line 2:7`);
    assertEquals(await Deno.readTextFile(pathOf("failing")), before);
    assertEquals(texts(pathOf("good"))[2], "T is 64 a\n");
  });
});

Deno.test("notebooks rejects other files without a stack trace", async () => {
  await withNotebooks({ good }, async (pathOf, folder) => {
    const broken = join(folder, "broken.ipynb");
    const cases: [content: string | undefined, message: RegExp][] = [
      [undefined, /Cannot read the notebook .*No such file/],
      ["{", /it is not JSON/],
      ["{}", /expected nbformat 4\.5 or later, got another file: cells: expected a value, got nothing/],
      [
        JSON.stringify({ ...good, nbformat_minor: 4 }),
        /4\.5 or later, got another file: nbformat_minor: expected a number of at least 5, got 4/,
      ],
      [JSON.stringify({ ...good, cells: [good.cells[0], good.cells[0]] }), /got two cells "m"/],
      [JSON.stringify({ ...good, metadata: { kernelspec: { language: "python" } } }), /got "python"/],
      [JSON.stringify(notebookOf(cell("e", "export const x = 1;"))), /expected no export/],
    ];
    for (const [content, message] of cases) {
      if (content !== undefined) await Deno.writeTextFile(broken, content);
      const { code, text } = await notebooks(broken);
      assertEquals(code, 2, text);
      assertMatch(text, message);
      assertNotMatch(text, /\n\s+at /);
    }
    assert(
      (await notebooks("--timeout", "never", pathOf("good"))).text.includes(
        "--timeout: expected seconds above 0",
      ),
    );
    for (const option of ["--out", "--html"]) {
      const { code, text } = await notebooks(pathOf("good"), option, broken);
      assertEquals(code, 2, text);
      assertMatch(text, /Cannot write to .*broken\.ipynb: expected a folder/);
      assertNotMatch(text, /\n\s+at /);
    }
    assertEquals((await notebooks("--nonsense")).code, 2);
    assertEquals((await notebooks("--help")).code, 0);
  });
});

Deno.test("notebooks removes its temporary folder if its check is interrupted", async () => {
  await withNotebooks({ good }, async (pathOf, folder) => {
    const temporary = join(folder, "tmp");
    await Deno.mkdir(temporary);
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "lib/cli/notebooks.ts", "--check", pathOf("good")],
      ...{ cwd: root, env: { NO_COLOR: "1", TMPDIR: temporary } },
      ...{ stdin: "null", stdout: "null", stderr: "piped" },
    }).spawn();
    const held = () => [...Deno.readDirSync(temporary)].some(({ name }) => name.startsWith("losskit-"));
    let over = false;
    child.status.then(() => over = true);
    while (!held() && !over) await new Promise((resolve) => setTimeout(resolve, 2));
    assert(!over);
    child.kill("SIGINT");
    const { code, stderr } = await child.output();
    assertEquals([code, new TextDecoder().decode(stderr)], [
      130,
      "Cannot check the notebooks: interrupted. Repeat the command.\n",
    ]);
    assertEquals(held(), false);
  });
});
