/**
 * `--help` of every task, and the descriptions that `deno task` prints.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "node:path";
import { runTask } from "./support/commands.ts";

const ROOT = new URL("../", import.meta.url).pathname;

/** Tasks for developers only, without options. */
const WITHOUT_HELP = ["build:options", "build:page"];

const { tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as {
  tasks: Record<string, { description?: string; command: string }>;
};

Deno.test("every task has a description of at most 72 characters", () => {
  for (const [name, { description = "" }] of Object.entries(tasks)) {
    assert(/^[a-z].{10,70}[^.]$/.test(description), `${name}: ${description}`);
  }
});

/** Statuses in the table of docs/sweeps.md. */
const LISTED = [
  ...Deno.readTextFileSync(join(ROOT, "docs/sweeps.md")).split("## Exit status")[1]!.matchAll(/^\| (\d+)/gm),
].map(([, status]) => status);

/** Tasks that end with the status of another program, in which 1 is a failure. */
const WITH_STATUS_1 = ["jupyter", "test", "test:tfjs", "soak", "ok"];

Deno.test("--help lists policies, recipes with their options, operands, formats and scalings", async () => {
  const textOf = async (name: string) => (await runTask(name, ["--help"])).stdout.replaceAll(/\s+/g, " ");
  const formats = [
    "e4m3fn, e5m2, e3m2fn, e2m3fn, e2m1fn",
    "IEEE-style format eXmY",
    "tensor, row, mx, mx-ceil, nvfp4",
  ];
  const train = await textOf("train");
  const recipes = [
    "bf16-pure-kahan",
    "fp8-hybrid[+delayed]",
    "mxfp8[+ceil]",
    "nvfp4[+stochastic][+hadamard]",
  ];
  for (const text of [...formats, ...recipes, "emulated:FORMAT", "linear, attention, softmax", "wgrad.dy"]) {
    assertStringIncludes(train, text);
  }
  const evaluate = await textOf("evaluate");
  for (const text of formats) assertStringIncludes(evaluate, text);
});

Deno.test("every task prints its options and exit statuses with --help, and starts nothing", async () => {
  for (const name of Object.keys(tasks).filter((name) => !WITHOUT_HELP.includes(name))) {
    const { code, stdout, stderr } = await runTask(name, ["--help"]);
    assertEquals([name, code, stderr], [name, 0, ""]);
    assert(stdout.startsWith(`Usage: ${name} `), `${name}: ${stdout}`);
    const [, statuses = "", ...more] = stdout.split("\nExit status:\n");
    assertEquals([more, statuses.slice(0, 6)], [[], "  0   "], name);
    const allowed = [...LISTED, ...WITH_STATUS_1.includes(name) ? ["1"] : []];
    const unlisted = [...statuses.matchAll(/^ {2}(\d+) /gm)].filter(([, status]) =>
      !allowed.includes(status)
    );
    assertEquals(unlisted, [], `${name}: docs/sweeps.md does not list a status`);
    // A list of choices without spaces has no place to wrap.
    const long = stdout.split("\n").filter((line) => line.length > 80 && / {2}\S+ .* \S/.test(line));
    assertEquals(long, [], `${name}: lines of more than 80 columns`);
    assert(!/<(word|value|string)>/.test(stdout), `${name}: a placeholder names no kind of value: ${stdout}`);
  }
});
