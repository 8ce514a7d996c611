/** `deno task cluster slurm|kubernetes`: writes a plan as cluster jobs. */
import { printable } from "../error/printable.ts";
import { basename, join, resolve } from "node:path";
import type { Command } from "commander";
import { UserError } from "../error/user_error.ts";
import { makeFolder } from "../file/make_folder.ts";
import { shellWord } from "../file/shell_word.ts";
import { writeFile } from "../file/write_file.ts";
import { makePlan, parseSweepSpec, placePlan, type Plan, readPlan, sweepFolder } from "../sweep/mod.ts";
import { kubernetesManifest, slurmLogs, slurmScript } from "../cluster/mod.ts";
import { command, DEFAULT_FOLDER_HELP, runCommand } from "./command.ts";
import { isFolder } from "../file/exists.ts";
import { durationOption, numberOption } from "./numbers.ts";
import { readSpec } from "./spec_file.ts";

const ROOT = resolve(import.meta.dirname!, "..", "..");

interface Options {
  out?: string;
  threads: number;
  parallel?: number;
  memory?: string;
  allowEnvironmentChange?: boolean;
}

/** Creates a subcommand with the shared options. */
function engine(name: string, description: string): Command {
  return command(name, description)
    .usage("[options] <plan>")
    .showHelpAfterError(`(see deno task cluster ${name} --help)`)
    .argument("<plan>", "a folder with a plan.json, or a spec: .json, or .ts with a default export")
    .option(
      "--out <folder>",
      `for a spec: folder of plan and runs (default: ${DEFAULT_FOLDER_HELP})`,
    )
    .option(
      "--threads <n>",
      "for a spec: threads per run, which is also the number of cores per job",
      numberOption("--threads"),
      1,
    )
    .option(
      "--parallel <n>",
      "maximum number of concurrent jobs (default: no limit)",
      numberOption("--parallel"),
    )
    .option(
      "--allow-environment-change",
      "resume runs that were started on a different kind of node (default: start them over)",
    )
    .option(
      "--memory <size>",
      "memory per job, in the notation of the cluster: 2G (Slurm), 2Gi (Kubernetes)",
    );
}

const program = command("cluster", "Write the runs of a plan as jobs for Slurm or Kubernetes.");
program.usage("slurm|kubernetes [options] <plan>").addCommand(
  engine("slurm", "Write a job array script for sbatch, with one task per run.")
    .option("--time <limit>", "time limit per task, in Slurm's notation, for example 02:00:00")
    .option("--partition <name>", "Slurm partition")
    .option(
      "--warn <time>",
      "stop a task with a checkpoint this long before its time limit (default: 120s)",
      durationOption("--warn"),
    )
    .option("--requeues <n>", "maximum number of requeues of a stopped task", numberOption("--requeues"), 50)
    .option("--sbatch <option...>", "further sbatch options, for example --sbatch=--account=NAME")
    .action(slurm),
).addCommand(
  engine("kubernetes", "Write the manifest of an Indexed Job for kubectl apply, with one pod per run.")
    .requiredOption("--image <name>", "container image with Deno and losskit")
    .requiredOption("--claim <name>", "PersistentVolumeClaim that contains the plan's folder")
    .option("--mount <path>", "mount path of the claim in the container", "/data")
    .option("--folder <path>", "plan's folder in the container (default: its name under --mount)")
    .option("--workdir <path>", "path of losskit in the image", "/losskit")
    .option("--retries <n>", "retries of a failed run", numberOption("--retries"), 3)
    .option(
      "--grace <time>",
      "time between SIGTERM and SIGKILL of a pod (default: 120s)",
      durationOption("--grace"),
    )
    .action(kubernetes),
);

/** Slurm time limits: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S, unlimited or infinite. */
const SLURM_TIME = /^(\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}|unlimited|infinite)$/i;
const SLURM_MEMORY = /^\d+[KMGT]?$/i;
/** Unsigned Kubernetes quantities. */
const QUANTITY = /^(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Returns the text of an option, checked against the cluster's notation. The cluster itself checks at submission only. */
function worded(
  flag: string,
  { text, form, expected }: { text: string | undefined; form: RegExp; expected: string },
): string | undefined {
  if (text === undefined || form.test(text)) return text;
  throw new UserError(`Cannot use ${flag}: expected ${expected}, got ${JSON.stringify(text)}.`);
}

async function slurm(
  planOrSpec: string,
  options: Options & {
    time?: string;
    partition?: string;
    warn?: number;
    requeues: number;
    sbatch?: string[];
  },
): Promise<void> {
  const checked = {
    parallel: options.parallel,
    warn: Math.ceil(options.warn ?? 120),
    requeues: options.requeues,
    time: worded("--time", {
      text: options.time,
      form: SLURM_TIME,
      expected: "a Slurm time limit (minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS)",
    }),
    memory: worded("--memory", {
      text: options.memory,
      form: SLURM_MEMORY,
      expected: "a Slurm size (megabytes, or a number with K, M, G or T, such as 2G)",
    }),
    partition: worded("--partition", {
      text: options.partition,
      // deno-lint-ignore no-control-regex -- control characters are rejected on purpose
      form: /^[^\s\u0000-\u001f\u007f-\u009f]+$/,
      expected: "a name without spaces and control characters",
    }),
  };
  const { dir, plan } = await planOf(planOrSpec, options);
  const path = join(dir, "slurm.sh");
  const script = slurmScript(plan, {
    ...checked,
    deno: Deno.execPath(),
    command: [
      ...["run", "-A", "--no-check", `--config=${join(ROOT, "deno.json")}`],
      join(ROOT, "lib", "cli", "run.ts"),
    ],
    workingDir: ROOT,
    dir,
    flags: flagsOf(options),
    more: options.sbatch,
  });
  makeFolder(slurmLogs(dir)); // Slurm does not create the folder of its logs
  writeFile(path, script);
  console.log(
    `${plan.runs.length} runs, one task each. All nodes must share the folder. Submit with\n`,
  );
  console.log(`sbatch ${shellWord(path)}`);
}

async function kubernetes(
  planOrSpec: string,
  options: Options & {
    image: string;
    claim: string;
    mount: string;
    folder?: string;
    workdir: string;
    retries: number;
    grace?: number;
  },
): Promise<void> {
  const checked = {
    parallel: options.parallel,
    retries: options.retries,
    grace: Math.ceil(options.grace ?? 120),
    memory: worded("--memory", {
      text: options.memory,
      form: QUANTITY,
      expected: "a Kubernetes quantity such as 2Gi or 500M",
    }),
  };
  const { image, claim, mount, workdir } = options;
  for (
    const [flag, path] of Object.entries({
      "--mount": mount,
      "--folder": options.folder,
      "--workdir": workdir,
    })
  ) {
    if (path === undefined || path.startsWith("/")) continue;
    throw new UserError(
      `Cannot use ${flag}: expected an absolute path in the container, got ${path}.`,
    );
  }
  const { dir, plan } = await planOf(planOrSpec, options);
  const folder = options.folder ?? `${mount.replace(/\/+$/, "")}/${basename(dir)}`;
  const path = join(dir, "kubernetes.yaml");
  writeFile(
    path,
    kubernetesManifest(plan, {
      ...checked,
      flags: flagsOf(options),
      image,
      claim,
      mount,
      workingDir: workdir,
      dir: folder,
    }),
  );
  if (plan.data.path !== undefined) {
    console.error(`plan.json requires the text at ${plan.data.path} in the container`);
  }
  console.log(
    `${plan.runs.length} runs, one pod each. Copy ${printable(dir)} to ${
      printable(folder)
    } in the volume, and apply with\n`,
  );
  console.log(`kubectl apply -f ${shellWord(path)}`);
}

/** Returns the flags of each job's `run` command. */
function flagsOf({ allowEnvironmentChange }: Options): string[] {
  return ["--index", ...(allowEnvironmentChange ? ["--allow-environment-change"] : [])];
}

/** Returns the plan of a folder. For a spec, creates the plan and writes it to its folder. */
async function planOf(planOrSpec: string, options: Options): Promise<{ dir: string; plan: Plan }> {
  const { threads } = options;
  if (isFolder(planOrSpec)) {
    const plan = readPlan(planOrSpec);
    if (plan !== undefined && plan.runs.length > 0) return { dir: resolve(planOrSpec), plan };
    throw new UserError(
      `Cannot plan: expected a folder with a plan.json, or a spec, got ${planOrSpec} without planned runs.`,
    );
  }
  const spec = parseSweepSpec(await readSpec(planOrSpec), planOrSpec);
  const dir = resolve(options.out ?? sweepFolder(spec));
  const plan = await makePlan(spec, readPlan(dir)?.threads ?? threads);
  placePlan(dir, plan);
  return { dir, plan };
}

if (import.meta.main) await runCommand(program, Deno.args);
