// @heavy
/**
 * Runs every code block of README.md and docs/ unchanged, in a copy of the repository.
 *
 * The test command is not run, because it would run this test.
 */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { sampleText } from "./support/commands.ts";
import { pythonWith } from "./support/python.ts";

/** Fenced code block. */
interface Block {
  language: string;
  code: string;
}

const ROOT = new URL("../", import.meta.url).pathname;
const TEST_COMMAND = "npx -y deno@2.9.6 task test";

function blocksOf(markdown: string): Block[] {
  return [...markdown.matchAll(/^```(\w*)\n([^]*?)^```$/gm)].map(([, language, code]) => ({
    language: language!,
    code: code!.trim(),
  }));
}

/** Copies the files of a clone: those that git tracks or would track. */
async function copyRepository(into: string): Promise<void> {
  const { success, stdout } = await new Deno.Command("git", {
    args: ["ls-files", "-z", "--cached", "--others", "--exclude-standard"],
    cwd: ROOT,
  }).output();
  assert(success, "git lists no files: the README's test runs in a clone");
  for (const file of new TextDecoder().decode(stdout).split("\0")) {
    if (file === "" || !exists(join(ROOT, file))) continue;
    await Deno.mkdir(join(into, file, ".."), { recursive: true });
    await Deno.copyFile(join(ROOT, file), join(into, file));
  }
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

/** Writes `deno` and `npx` commands that run this Deno. `npx` accepts only the README's package. */
async function writeShims(folder: string): Promise<void> {
  await Deno.mkdir(folder);
  const deno = `"${Deno.execPath()}"`;
  const shims = {
    deno: `exec ${deno} "$@"`,
    npx:
      `[ "$1 $2" = "-y deno@2.9.6" ] || { echo "npx $*: not what the README runs" >&2; exit 9; }\nshift 2\nexec ${deno} "$@"`,
  };
  for (const [name, body] of Object.entries(shims)) {
    await Deno.writeTextFile(join(folder, name), `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  }
}

/** Runs the commands of a block. Interrupts a server once it prints its address. */
async function runShell(code: string, cwd: string): Promise<string> {
  const serves = code.includes("--watch");
  const child = new Deno.Command("sh", {
    args: ["-e", "-c", serves ? `exec ${code} --port 0` : code],
    cwd,
    env: {
      PATH: `${join(cwd, ".shims")}:${Deno.env.get("PATH")}`,
      NO_COLOR: "1",
      DENO_NO_UPDATE_CHECK: "1",
    },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const errors = new Response(child.stderr).text();
  let printed = "", isInterrupted = false;
  for await (const text of child.stdout.pipeThrough(new TextDecoderStream())) {
    printed += text;
    if (!serves || isInterrupted || !/http:\S+/.test(printed)) continue;
    isInterrupted = true; // a second SIGINT would end the command at once, with status 130
    child.kill("SIGINT");
  }
  const { code: status } = await child.status;
  assertEquals(status, 0, `${code}\n${printed.slice(-2000)}\n${(await errors).slice(-3000)}`);
  return printed;
}

/**
 * Pages in the order of execution. A page can use files that an earlier page created. The commands of the benchmark page are
 * not run, because they install several GB of PyTorch and JAX.
 */
const PAGES = [
  "README.md",
  "docs/sweeps.md",
  "docs/comparison.md",
  "docs/files.md",
  "docs/precision.md",
  "docs/clusters.md",
  "docs/notebooks.md",
];

Deno.test("the code blocks of README and docs run, and print the documented output", async (t) => {
  const folder = await Deno.makeTempDir();
  try {
    await copyRepository(folder);
    await writeShims(join(folder, ".shims"));
    await Deno.writeTextFile(join(folder, "my_text.txt"), sampleText(2000));
    const others = Array.from(Deno.readDirSync(join(ROOT, "docs")), ({ name }) => `docs/${name}`)
      .filter((name) => name.endsWith(".md") && ![...PAGES, "docs/benchmarks.md"].includes(name));
    for (const page of [...PAGES, ...others.sort()]) {
      const passed = await t.step(page, () => runPage(page, folder));
      if (!passed) return;
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

/** Runs the blocks of one page. */
async function runPage(page: string, folder: string): Promise<void> {
  // Pages use equal names in out/. Later pages use the content of experiments/out.
  await Deno.remove(join(folder, "out"), { recursive: true }).catch(() => {});
  const blocks = blocksOf(await Deno.readTextFile(join(ROOT, page)));
  let printed = "";
  for (const [i, { language, code }] of blocks.entries()) {
    if (code === TEST_COMMAND) {
      assertStringIncludes(await Deno.readTextFile(join(ROOT, ".ci/run")), TEST_COMMAND);
    } else if (language === "sh") {
      printed = await runShell(code, folder);
    } else if (language === "text") {
      // The block shows output of the previous command. Numbers may differ, and with few pairs a verdict may be undecided on
      // another CPU.
      for (const line of code.split("\n").filter((line) => line !== "…")) {
        const words = line.trim().split(/\s+/).map((word) =>
          /^[+-]?\d[\d.]*[.,)]*$/.test(word)
            ? "[+-]?[\\d.]+[.,)]*"
            : word === "stable"
            ? "(?:stable(?:,\\s+\\d+\\s+undecided)?|undecided)"
            : word.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
        );
        assertMatch(printed, new RegExp(words.join("\\s+")));
      }
    } else if (language === "ts") {
      // A block that begins with a file's name is that file. Later blocks use it.
      const [, name = `block_${i}.ts`] = /^\/\/ (\S+\.ts)\n/.exec(code) ?? [];
      await Deno.writeTextFile(join(folder, name), code);
      printed = await runShell(`deno run -A --check ${name}`, folder);
      for (const [, wanted] of code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)) {
        // Deno's spacing may differ.
        assertStringIncludes(printed.replaceAll(/\s/g, ""), wanted!.replaceAll(/\s/g, ""));
      }
    } else if (language === "json") {
      const files = Array.from(Deno.readDirSync(join(ROOT, "experiments")), ({ name }) => name)
        .filter((name) => name.endsWith(".json"));
      const contents = files.map((name) => Deno.readTextFileSync(join(ROOT, "experiments", name)).trim());
      assert(contents.includes(code), `${page}: a JSON block is no file of experiments/`);
    } else if (language === "python") {
      const python = await pythonWith("tables");
      await Deno.writeTextFile(join(folder, `block_${i}.py`), code);
      printed = await runShell(`"${python}" block_${i}.py`, folder);
      assertStringIncludes(printed, "bf16-autocast");
    } else {
      throw new Error(`${page}: no test runs a block of ${language || "no language"}`);
    }
  }
}
