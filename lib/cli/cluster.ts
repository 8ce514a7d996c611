/** `deno task cluster slurm|kubernetes`: a plan as jobs for an engine that runs elsewhere. */
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
import { isFolder } from "./files.ts";
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

/** A subcommand, with what all of them take. */
function engine(name: string, description: string): Command {
  return command(name, description)
    .usage("[options] <plan>")
    .showHelpAfterError(`(deno task cluster ${name} --help lists the options)`)
    .argument("<plan>", "a folder with a plan.json, or a spec to plan: .json, or .ts with a default export")
    .option(
      "--out <folder>",
      `the folder of a spec's plan and runs (default: ${DEFAULT_FOLDER_HELP})`,
    )
    .option(
      "--threads <n>",
      "threads of each run of a spec, and so cores of each job",
      numberOption("--threads"),
      1,
    )
    .option(
      "--parallel <n>",
      "jobs at once (default: as many as the engine grants)",
      numberOption("--parallel"),
    )
    .option(
      "--allow-environment-change",
      "go on with what another kind of node began, in place of starting over",
    )
    .option("--memory <size>", "of each job, in the engine's words, such as 2G or 2Gi");
}

const program = command("cluster", "Writes a plan's runs as jobs for Slurm or Kubernetes.");
program.usage("slurm|kubernetes [options] <plan>").addCommand(
  engine("slurm", "Writes a job array script for sbatch, a task a run.")
    .option("--time <limit>", "time limit of each task, in Slurm's words, such as 02:00:00")
    .option("--partition <name>", "where it runs")
    .option(
      "--warn <time>",
      "how long before its time limit a task stops, with a checkpoint (default: 120s)",
      durationOption("--warn"),
      120,
    )
    .option("--requeues <n>", "how often a stopped task is queued again", numberOption("--requeues"), 50)
    .option("--sbatch <option...>", "more options of sbatch, such as --sbatch=--account=NAME")
    .action(slurm),
).addCommand(
  engine("kubernetes", "Writes the manifest of an Indexed Job for kubectl apply, a pod a run.")
    .requiredOption("--image <name>", "an image with Deno and losskit")
    .requiredOption("--claim <name>", "the PersistentVolumeClaim that holds the plan's folder")
    .option("--mount <path>", "where it is mounted in the container", "/data")
    .option("--folder <path>", "the plan's folder in the container (default: its name below --mount)")
    .option("--workdir <path>", "where losskit is in the image", "/losskit")
    .option("--retries <n>", "how often a run that failed is tried again", numberOption("--retries"), 3)
    .option(
      "--grace <time>",
      "between a pod's SIGTERM and its end (default: 120s)",
      durationOption("--grace"),
      120,
    )
    .action(kubernetes),
);

/** What Slurm reads as a time limit: minutes, or hours after days, with what each may be followed by. */
const SLURM_TIME = /^(\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}|unlimited|infinite)$/i;
const SLURM_MEMORY = /^\d+[KMGT]?$/i;
/** Kubernetes' quantities, without a sign. */
const QUANTITY = /^(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** An option in the words of an engine, which would refuse others only when the jobs are handed in. */
function worded(
  flag: string,
  { text, form, wanted }: { text: string | undefined; form: RegExp; wanted: string },
): string | undefined {
  if (text === undefined || form.test(text)) return text;
  throw new UserError(`Cannot use ${flag}: it must be ${wanted}: it is ${JSON.stringify(text)}`);
}

async function slurm(
  planOrSpec: string,
  options: Options & { time?: string; partition?: string; warn: number; requeues: number; sbatch?: string[] },
): Promise<void> {
  const checked = {
    parallel: options.parallel,
    warn: Math.ceil(options.warn),
    requeues: options.requeues,
    time: worded("--time", {
      text: options.time,
      form: SLURM_TIME,
      wanted: "a time limit as Slurm reads it: minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS",
    }),
    memory: worded("--memory", {
      text: options.memory,
      form: SLURM_MEMORY,
      wanted: "a size as Slurm reads it, megabytes or a number with K, M, G or T, such as 2G",
    }),
    partition: worded("--partition", {
      text: options.partition,
      // deno-lint-ignore no-control-regex -- they are what is refused
      form: /^[^\s\u0000-\u001f\u007f-\u009f]+$/,
      wanted: "a name without spaces and control characters",
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
  makeFolder(slurmLogs(dir)); // Slurm makes no folder for its logs
  writeFile(path, script);
  console.log(
    `${plan.runs.length} runs, a task each. The folder must be the same on every node. Submit with\n`,
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
    grace: number;
  },
): Promise<void> {
  const checked = {
    parallel: options.parallel,
    retries: options.retries,
    grace: Math.ceil(options.grace),
    memory: worded("--memory", {
      text: options.memory,
      form: QUANTITY,
      wanted: "a quantity as Kubernetes reads it, such as 2Gi or 500M",
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
      `Cannot use ${flag}: it must be a path in the container that begins with /: it is ${path}`,
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
    console.error(`the text must be in the container as ${plan.data.path}, as plan.json says`);
  }
  console.log(
    `${plan.runs.length} runs, a pod each. Put ${printable(dir)} into the volume as ${
      printable(folder)
    }, and apply with\n`,
  );
  console.log(`kubectl apply -f ${shellWord(path)}`);
}

/** What each job's `run` is told besides its folder. */
function flagsOf({ allowEnvironmentChange }: Options): string[] {
  return ["--index", ...(allowEnvironmentChange ? ["--allow-environment-change"] : [])];
}

/** The plan of a folder, or a spec's, put into its folder. */
async function planOf(planOrSpec: string, options: Options): Promise<{ dir: string; plan: Plan }> {
  const { threads } = options;
  if (isFolder(planOrSpec)) {
    const plan = readPlan(planOrSpec);
    if (plan !== undefined && plan.runs.length > 0) return { dir: resolve(planOrSpec), plan };
    throw new UserError(
      `Cannot plan: wanted a folder with a plan.json, or a spec: ${planOrSpec} has none with runs in it`,
    );
  }
  const spec = parseSweepSpec(await readSpec(planOrSpec), planOrSpec);
  const dir = resolve(options.out ?? sweepFolder(spec));
  const plan = await makePlan(spec, readPlan(dir)?.threads ?? threads);
  placePlan(dir, plan);
  return { dir, plan };
}

if (import.meta.main) await runCommand(program, Deno.args);
