/**
 * `losskit COMMAND`, the program that contains all commands.
 */
import { assertEquals, assertMatch } from "@std/assert";
import { join } from "node:path";
import { ENTRIES } from "../lib/cli/commands.ts";
import { type Ended, ended, runTask } from "./support/commands.ts";

const ROOT = new URL("../", import.meta.url).pathname;

const { version, tasks } = JSON.parse(Deno.readTextFileSync(join(ROOT, "deno.json"))) as {
  version: string;
  tasks: Record<string, { description: string; command: string }>;
};

/** Runs `losskit` from another folder. */
async function losskit(args: string[], env: Record<string, string> = {}): Promise<Ended> {
  return await ended(
    new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", "--config", join(ROOT, "deno.json"), MAIN, ...args],
      env: { NO_COLOR: "1", ...env },
      cwd: Deno.makeTempDirSync(),
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn(),
  );
}

const MAIN = join(ROOT, "lib/cli/main.ts");

Deno.test("losskit --help lists every task of lib/cli in a group", async () => {
  const { code, stdout, stderr } = await losskit(["--help"]);
  assertEquals([code, stderr], [0, ""]);
  const listed = stdout.replaceAll(/\n {10,}/g, " ").split("\n").flatMap((line) =>
    /^ {2}([a-z][a-z0-9-]*) {2,}(.*)$/.exec(line)?.slice(1).join(": ") ?? []
  );
  const wanted = Object.entries(tasks).filter(([, { command }]) => command.includes("lib/cli/"))
    .map(([name, { description }]) => `${name}: ${description}`);
  assertEquals(listed.filter((line) => !line.startsWith("completions:")).sort(), wanted.sort());
  for (const line of stdout.split("\n")) assertEquals(line.length <= 80, true, line);
  assertEquals((await losskit([])).stdout, stdout, "without arguments");
  assertEquals((await losskit(["--version"])).stdout, `${version}\n`);
});

Deno.test("losskit suggests the nearest command, and names itself in help and errors", async () => {
  const unknown = await losskit(["swep"]);
  assertEquals([unknown.code, unknown.stdout], [2, ""]);
  assertMatch(unknown.stderr, /unknown command 'swep'\n +\(Did you mean sweep\?\)\n\(see losskit --help\)/);
  const task = (await runTask("explain", ["--help"])).stdout;
  for (const args of [["explain", "--help"], ["help", "explain"]]) {
    assertEquals((await losskit(args)).stdout, task.replace("Usage: explain", "Usage: losskit explain"));
  }
  const incomplete = await losskit(["explain"], { LOSSKIT_COMMAND: "npx losskit" });
  assertEquals(incomplete.code, 2);
  assertMatch(incomplete.stderr, /\(see npx losskit explain --help\)/);
});

Deno.test("a command of losskit has the permissions of its task", async () => {
  for (const { name, without = [] } of ENTRIES) {
    const { command } = tasks[name] ?? { command: " -A " };
    const missing = ["run", "ffi", "net"].filter((one) =>
      !command.includes(" -A ") && !command.includes(`--allow-${one}`)
    );
    assertEquals([name, ...without], [name, ...missing]);
  }
  const spec = await Deno.makeTempFile({ suffix: ".ts" });
  const states = '["run", "ffi", "net"].map((name) => Deno.permissions.querySync({ name }).state).join()';
  Deno.writeTextFileSync(spec, `throw new Error(${states});\n`);
  const { stderr } = await losskit(["plan", spec]);
  assertMatch(stderr, /granted,prompt,prompt/);
  await Deno.remove(spec);
});

Deno.test("losskit completions: bash completes commands, options and fixed arguments", async () => {
  const { code, stdout: script } = await losskit(["completions", "bash"]);
  assertEquals(code, 0);
  const complete = async (...words: string[]): Promise<string[]> => {
    const asked = `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _losskit; echo "\${COMPREPLY[*]}"`;
    const { stdout } = await new Deno.Command("bash", { args: ["-c", asked, "bash", "losskit", ...words] })
      .output();
    return new TextDecoder().decode(stdout).trim().split(" ");
  };
  assertEquals(await complete("ev"), ["evaluate"]);
  assertEquals(await complete("explain", "--"), ["--against", "--non-finite", "--help"]);
  assertEquals(await complete("cluster", "k"), ["kubernetes"]);
  assertEquals(await complete("completions", ""), ["bash", "zsh", "fish", "--help"]);
});

Deno.test("losskit completions names every command in zsh's and fish's notation", async () => {
  const zsh = (await losskit(["completions", "zsh"])).stdout;
  const fish = (await losskit(["completions", "fish"])).stdout;
  for (const { name } of ENTRIES) {
    assertMatch(zsh, new RegExp(`^ {4}${name}\\) offered=\\(.*--help`, "m"));
    assertMatch(fish, new RegExp(`^complete -c losskit -n __fish_use_subcommand -a ${name} -d `, "m"));
  }
  // zsh runs the autoloaded file as the body of the function, which then has to complete.
  assertMatch(
    zsh,
    /\n\}\n(#.*\n)?if \[ "\$funcstack\[1\]" = "_losskit" \]; then _losskit "\$@"; else compdef .*; fi\n$/,
  );
  const abouts = [...fish.matchAll(/ -d (.*)$/gm)].map(([, about]) => about!);
  assertEquals(abouts.filter((about) => /\([^)]*$/.test(about) || /^('')?$|[\s(]'$/.test(about)), []);
  assertEquals((await losskit(["completions", "tcsh"])).code, 2);
});
