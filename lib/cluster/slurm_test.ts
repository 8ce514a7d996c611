import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { dirname, join } from "node:path";
import { SPEC } from "../../tests/support/synthetic_runs.ts";
import { UserError } from "../error/user_error.ts";
import type { Plan } from "../sweep/plan_file.ts";
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
  deno: "/opt/deno",
  command: ["run", "run.ts"],
  workingDir: "/losskit",
  dir: "/runs/a",
  flags: ["--index"],
};

/** Returns the options of a script, and bash's output for the rest. */
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

Deno.test("slurmScript() requests the plan's resources and the given options", async () => {
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

Deno.test("slurmScript() quotes unusual folder names, and refuses names that sbatch cannot represent", async () => {
  const dir = "/runs/Büro's $HOME `x` 50% #1";
  const script = slurmScript(PLAN, { ...FIXED, dir });
  const { options, bash } = await read(script);
  assertEquals(bash, "");
  assertEquals(options.at(-1), '"--output=/runs/Büro\'s $HOME `x` 50%% #1/slurm/%A_%a.log"');
  // Words of the command after expansion by bash.
  const line = script.split("\n").find((line) => line.startsWith("srun "))!;
  const { stdout } = await new Deno.Command("bash", {
    args: ["-c", line.replace(/^srun --ntasks=1 --cpus-per-task=4 "\$deno"/, "printf '%s\\n'")],
  }).output();
  assertEquals(new TextDecoder().decode(stdout).trimEnd().split("\n"), [
    "run",
    "run.ts",
    dir,
    "--index",
  ]);
  for (const wrong of ['/a"b', "/a\nb", "/a\\b"]) {
    assertThrows(() => slurmScript(PLAN, { ...FIXED, dir: wrong }), UserError);
  }
});

Deno.test("slurmScript() requeues an interrupted task up to the limit", () => {
  assertStringIncludes(slurmScript(PLAN, { ...FIXED, requeues: 7 }), '"${SLURM_RESTART_COUNT:-0}" -lt 7');
});

Deno.test("slurmScript() finds Deno at the recorded path, on the PATH or in DENO, and reports a missing Deno", async () => {
  const root = Deno.makeTempDirSync({ prefix: "it's " });
  try {
    const program = (name: string, text: string) => {
      Deno.mkdirSync(join(root, dirname(name)), { recursive: true });
      Deno.writeTextFileSync(join(root, name), `#!/bin/bash\n${text}\n`, { mode: 0o755 });
      return join(root, name);
    };
    program("bin/srun", 'shift 2; exec "$@"'); // on the node itself
    const [written, onPath, named] = ["written/deno", "path/deno", "named/deno 2"].map((name) =>
      program(name, `echo "${name}: $*"; exit 7`)
    );
    const run = async (deno: string, env: { path?: string; DENO?: string } = {}) => {
      const { path, ...more } = env;
      const script = slurmScript(PLAN, { ...FIXED, deno, workingDir: "/" });
      const { code, stdout, stderr } = await new Deno.Command("/bin/bash", {
        args: ["-c", script],
        clearEnv: true,
        env: { PATH: [join(root, "bin"), ...(path ? [dirname(path)] : [])].join(":"), ...more },
      }).output();
      return [code, new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
    };
    const told = (name: string) => [7, `${name}: run run.ts /runs/a --index\n`, ""];
    const gone = join(root, "gone", "deno");
    assertEquals(await run(written!, { path: onPath! }), told("written/deno"));
    assertEquals(await run(gone, { path: onPath! }), told("path/deno"));
    assertEquals(await run(written!, { DENO: named! }), told("named/deno 2"));
    for (const [deno, env, missing] of [[gone, {}, "deno"], [written!, { DENO: gone }, gone]] as const) {
      const [code, stdout, stderr] = await run(deno, env);
      assertEquals([code, stdout], [2, ""]);
      assertMatch(String(stderr), /^Cannot run losskit on .*: expected Deno, got no program .*DENO=/);
      assertStringIncludes(String(stderr), `got no program ${missing}. `);
    }
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
});
