import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { SPEC } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import type { Plan } from "./plan.ts";
import { slurmScript } from "./slurm.ts";

const PLAN: Plan = {
  format: "losskit-plan/1",
  name: "sweep.1",
  data: { name: "x", sha256: "0".repeat(64) },
  libSha256: "0".repeat(64),
  threads: 4,
  runs: Array.from({ length: 12 }, (_, seed) => ({ id: String(seed), spec: { ...SPEC, seed } })),
};
const FIXED = {
  command: ["deno", "run", "run.ts"],
  workingDir: "/losskit",
  dir: "/runs/a",
  flags: ["--index"],
};

/** The options of a script, and what bash says of the rest. */
async function read(script: string): Promise<{ options: string[]; bash: string }> {
  const options = script.split("\n").filter((line) => line.startsWith("#SBATCH ")).map((line) =>
    line.slice(8)
  );
  const child = new Deno.Command("bash", { args: ["-n"], stdin: "piped", stderr: "piped" }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(script));
  await writer.close();
  return { options, bash: new TextDecoder().decode((await child.output()).stderr) };
}

Deno.test("slurmScript() asks for what a plan needs, and for what is said besides", async () => {
  const plain = await read(slurmScript(PLAN, FIXED));
  assertEquals(plain, {
    options: [
      "--job-name=sweep.1",
      "--array=0-11",
      "--ntasks=1",
      "--cpus-per-task=4",
      "--requeue",
      "--signal=USR1@120",
      "--open-mode=append",
      "--output=/runs/a/slurm/%A_%a.log",
    ],
    bash: "",
  });
  const more = {
    parallel: 3,
    time: "01:00:00",
    memory: "2G",
    partition: "long",
    warn: 60,
    more: ["--account=me"],
  };
  const { options } = await read(slurmScript(PLAN, { ...FIXED, ...more }));
  for (
    const option of [
      ...[
        "--array=0-11%3",
        "--time=01:00:00",
        "--mem=2G",
        "--partition=long",
        "--signal=USR1@60",
        "--account=me",
      ],
    ]
  ) assertEquals(options.includes(option), true, option);
});

Deno.test("slurmScript() keeps odd names of folders whole, and refuses those that sbatch cannot be told", async () => {
  const dir = "/runs/Büro's $HOME `x` 50% #1";
  const script = slurmScript(PLAN, { ...FIXED, dir });
  const { options, bash } = await read(script);
  assertEquals(bash, "");
  assertEquals(options.at(-1), '"--output=/runs/Büro\'s $HOME `x` 50%% #1/slurm/%A_%a.log"');
  // What bash makes of the command's words.
  const line = script.split("\n").find((line) => line.startsWith("srun "))!;
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", line.replace(/^srun --ntasks=1 --cpus-per-task=4/, "printf '%s\\n'")],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    "deno",
    "run",
    "run.ts",
    dir,
    "--index",
  ]);
  for (const wrong of ['/a"b', "/a\nb", "/a\\b"]) {
    assertThrows(() => slurmScript(PLAN, { ...FIXED, dir: wrong }), UserError);
  }
});

Deno.test("slurmScript() queues a stopped task again as often as is said", () => {
  assertStringIncludes(slurmScript(PLAN, { ...FIXED, requeues: 7 }), '"${SLURM_RESTART_COUNT:-0}" -lt 7');
});
