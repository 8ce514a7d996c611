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

Deno.test("every task prints its options and exit statuses with --help, and starts nothing", async () => {
  for (const name of Object.keys(tasks).filter((name) => !WITHOUT_HELP.includes(name))) {
    const { code, stdout, stderr } = await runTask(name, ["--help"]);
    assertEquals([name, code, stderr], [name, 0, ""]);
    assert(stdout.startsWith(`Usage: ${name} `), `${name}: ${stdout}`);
    assertStringIncludes(stdout, "\nExit status:\n  0   ", name);
    assert(!/<(word|value|string)>/.test(stdout), `${name}: a placeholder names no kind of value: ${stdout}`);
  }
});
