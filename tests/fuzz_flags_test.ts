/**
 * Strange values of every flag of every command: each ends with status 2 and one sentence, and nothing is started. In
 * `deno task soak` every value is tried with every flag; otherwise a sample of them.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "node:path";
import { createRandom } from "../lib/text/mod.ts";
import { type Ended, ended } from "./support/commands.ts";
import { seed } from "./support/fuzz.ts";
import { soaking } from "./support/soak.ts";

const REPOSITORY = new URL("../", import.meta.url).pathname;

/** A path that does not exist, so that a command with acceptable flags stops there. */
const MISSING = "nowhere";

/** Arguments with which each command stops at {@linkcode MISSING}. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "cluster slurm": [`${MISSING}.json`],
  "cluster kubernetes": [`${MISSING}.json`, "--claim", "x"],
  compare: [MISSING],
  evaluate: [MISSING],
  experiment: [`${MISSING}.ts`],
  explain: [MISSING],
  export: [MISSING],
  generate: [MISSING],
  merge: [MISSING],
  note: [MISSING],
  notebooks: [`${MISSING}.ipynb`],
  plan: [`${MISSING}.json`],
  report: [MISSING],
  reproduce: [MISSING],
  run: [MISSING],
  save_gpt2: [MISSING, "out"],
  sweep: ["--data", MISSING],
  train: ["--data", MISSING],
  verify_resume: [`${MISSING}.json`],
};

/** Texts that are not numbers. */
const NO_NUMBERS = [
  "",
  " ",
  "NaN",
  "1e400",
  "Infinity",
  "0x10",
  "\u0663",
  "1_000",
  "0.1.2",
  "null",
  "\u001b[31m7\u0007\u202e",
];

/** Values of flags. `FOLDER` and `FIFO` stand for an empty folder and a pipe. */
const VALUES = [
  ...NO_NUMBERS,
  ...[
    "-1",
    "-0.5",
    "9007199254740993",
    "1,,2",
    "a\nb",
    "__proto__",
    "--",
    "x".repeat(5000),
    "FOLDER",
    "FIFO",
  ],
];

/** Placeholders of flags that take one number. */
const NUMERIC = /^(n|number|T|B|x|k|p|nats|share|seconds|i|time|size)$/;

/** A flag with a value. */
interface Flag {
  readonly command: string;
  readonly name: string;
  readonly placeholder: string;
}

/** Runs a command in an empty folder. It has ten seconds. */
async function run(command: string, args: readonly string[]): Promise<Ended & { left: string[] }> {
  const cwd = await Deno.makeTempDir();
  try {
    Deno.mkdirSync(join(cwd, "FOLDER"));
    assert((await new Deno.Command("mkfifo", { args: [join(cwd, "FIFO")] }).output()).success);
    const [file = "", ...sub] = command.split(" ");
    const paths = ["deno.json", `lib/cli/${file}.ts`].map((path) => join(REPOSITORY, path));
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "-A", "--no-check", "--quiet", "--config", ...paths, ...sub, ...args],
      cwd,
      env: { NO_COLOR: "1" },
      ...{ stdin: "null", stdout: "piped", stderr: "piped" },
    }).spawn();
    const timer = setTimeout(() => child.kill("SIGKILL"), 60_000); // a hang
    const result = await ended(child);
    clearTimeout(timer);
    const left = [...Deno.readDirSync(cwd)].map(({ name }) => name).sort();
    return { ...result, left };
  } finally {
    await Deno.remove(cwd, { recursive: true });
  }
}

/** Returns the flags with values of a command, as its help lists them. */
async function flagsOf(command: string): Promise<Flag[]> {
  const { code, stdout, stderr } = await run(command, ["--help"]);
  assertEquals(code, 0, stderr);
  const found = [...stdout.matchAll(/^ +(?:-\w, )?--([a-z0-9-]+) [<[]([^>\].]+)(?:\.\.\.)?[>\]]/gm)];
  return found.map(([, name = "", placeholder = ""]) => ({ command, name, placeholder }));
}

/** Runs work on items, two at a time, and reports all failures. */
async function forEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const queue = items.values(), failures: string[] = [];
  await Promise.all([1, 2].map(async () => {
    for (const item of queue) await work(item).catch((error) => failures.push(error.message));
  }));
  assertEquals(failures, []);
}

/** Requires status 2, one sentence on standard error, and nothing else. */
function requireRefusal(
  { code, stdout, stderr, left }: Awaited<ReturnType<typeof run>>,
  context: string,
): void {
  const told = `${context}: status ${code}, ${JSON.stringify(stderr.slice(0, 2000))}`;
  assertEquals(code, 2, told);
  assertEquals([stdout, left], ["", ["FIFO", "FOLDER"]], told);
  // The later lines of a value are indented.
  const lines = stderr.replaceAll(/\n {2}/g, " ").replace(/\n\(see deno task [a-z0-9 -]+ --help\)\n$/, "\n")
    .split("\n");
  assertEquals([lines.length, lines[1]], [2, ""], told);
  assert(/^(Cannot |error: )\S/.test(lines[0]!) && lines[0]!.length < 1200, told);
  // deno-lint-ignore no-control-regex
  assert(!/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/.test(stderr), told);
}

const flags: Flag[] = [];
await forEach(Object.keys(COMMANDS), async (command) => {
  flags.push(...await flagsOf(command));
});

Deno.test("strange values of flags end with status 2 and one sentence, and nothing is started", async () => {
  assert(flags.length > 100, `only ${flags.length} flags`);
  const random = createRandom(seed, "flags");
  const all = flags.flatMap((flag) => VALUES.map((value) => ({ flag, value })));
  const tried = soaking ? all : Array.from({ length: 40 }, () => all[random.integer(all.length)]!);
  await forEach(tried, async ({ flag: { command, name, placeholder }, value }) => {
    const base = COMMANDS[command]!.join(" ") === `--${name} ${MISSING}` ? [] : COMMANDS[command]!;
    const result = await run(command, [...base, `--${name}`, value]);
    const context = `seed ${seed}: ${command} --${name} <${placeholder}> ${
      JSON.stringify(value.slice(0, 50))
    }`;
    requireRefusal(result, context);
    const isRefused = !result.stderr.includes(MISSING);
    if (NUMERIC.test(placeholder) && NO_NUMBERS.includes(value)) {
      assert(isRefused, `${context}: ${result.stderr}`);
    }
  });
});

Deno.test("unknown flags, flags without their value and extra arguments end with status 2 and one sentence", async () => {
  const cases = [...Object.keys(COMMANDS), "setup"].map((command) => ({ command, args: ["--no-such-flag"] }));
  cases.push({ command: "setup", args: ["extra"] }, { command: "train", args: ["extra"] });
  const last = new Map(flags.map((flag) => [flag.command, flag]));
  for (const { command, name } of last.values()) {
    if (name !== "index") cases.push({ command, args: [...COMMANDS[command]!, `--${name}`] });
  }
  await forEach(cases, async ({ command, args }) => {
    requireRefusal(await run(command, args), `${command} ${args.join(" ")}`);
  });
});
