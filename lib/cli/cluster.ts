/** `deno task cluster slurm|kubernetes`: writes job files that run a sweep. */
import { typedCommand } from "../error/command_line.ts";
import { printable } from "../error/printable.ts";
import type { Command } from "commander";
import { UserError } from "../error/user_error.ts";
import { isFolder } from "../file/exists.ts";
import { shellWord } from "../file/shell_word.ts";
import { DEFAULT_IMAGE, type SlurmJobOptions, writeKubernetesJobs, writeSlurmJobs } from "../cluster/mod.ts";
import { command, DEFAULT_FOLDER_HELP, printNote, runCommand } from "./command.ts";
import { durationOption, numberOption } from "./numbers.ts";
import { readSpec } from "./spec_file.ts";

/** Slurm time limits: M, M:S, H:M:S, D-H, D-H:M, D-H:M:S, unlimited or infinite. */
const SLURM_TIME = /^(\d+(:\d+){0,2}|\d+-\d+(:\d+){0,2}|unlimited|infinite)$/i;
const SLURM_MEMORY = /^\d+[KMGT]?$/i;
// deno-lint-ignore no-control-regex -- control characters are rejected on purpose
const NAME = /^[^\s\u0000-\u001f\u007f-\u009f]+$/;
/** Unsigned Kubernetes quantities. */
const QUANTITY = /^(\d+(\.\d*)?|\.\d+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?$/;

/** Returns a parser of text in the cluster's notation. The cluster itself checks at submission only. */
function notation(
  flag: string,
  { form, expected }: { form: RegExp; expected: string },
): (text: string) => string {
  return (text) => {
    if (form.test(text)) return text;
    throw new UserError(`Cannot use ${flag}: expected ${expected}, got ${JSON.stringify(text)}.`);
  };
}

/** Returns a parser of an absolute path in the container. */
function containerPath(flag: string): (text: string) => string {
  return notation(flag, { form: /^\//, expected: "an absolute path in the container" });
}

/** Returns a parser of a duration, rounded up to whole seconds. */
function wholeSeconds(flag: "--warn" | "--grace"): (text: string) => number {
  const parse = durationOption(flag);
  return (text) => Math.ceil(parse(text));
}

/** Creates a subcommand with the shared options. */
function engine(name: string, unit: "task" | "pod", description: string): Command {
  return command(name, description)
    .usage("[options] <sweep>")
    .showHelpAfterError(`(see ${typedCommand(`cluster ${name}`)} --help)`)
    .argument("<sweep>", "a sweep's folder with a plan.json, or a spec: .json, or .ts with a default export")
    .option(
      "--out <folder>",
      `the sweep's folder, only with a spec (default: ${DEFAULT_FOLDER_HELP})`,
    )
    .option(
      "--threads <n>",
      `threads per run and cores per ${unit}, only with a spec`,
      numberOption("--threads"),
      1,
    )
    .option(
      "--parallel <n>",
      `maximum number of concurrent ${unit}s (default: no limit)`,
      numberOption("--parallel"),
    )
    .option(
      "--allow-environment-change",
      "resume runs that were started on a different kind of node (default: start them over)",
    );
}

export const program: Command = command(
  "cluster",
  "Write job files that run a sweep on Slurm or Kubernetes.",
);
program.usage("slurm|kubernetes [options] <sweep>").addCommand(
  engine("slurm", "task", "Write a job array script for sbatch, with one task per run.")
    .option(
      "--time <limit>",
      "time limit per task, in Slurm's notation, for example 02:00:00",
      notation("--time", {
        form: SLURM_TIME,
        expected: "a Slurm time limit (minutes, MM:SS, HH:MM:SS, D-HH, D-HH:MM or D-HH:MM:SS)",
      }),
    )
    .option(
      "--memory <size>",
      "memory per task, in Slurm's notation, for example 2G",
      notation("--memory", {
        form: SLURM_MEMORY,
        expected: "a Slurm size (megabytes, or a number with K, M, G or T, such as 2G)",
      }),
    )
    .option(
      "--partition <name>",
      "Slurm partition",
      notation("--partition", { form: NAME, expected: "a name without spaces and control characters" }),
    )
    .option(
      "--warn <time>",
      "signal a task this long before its time limit, so that it writes a checkpoint and stops (default: 120s)",
      wholeSeconds("--warn"),
    )
    .option("--requeues <n>", "maximum number of requeues of a stopped task", numberOption("--requeues"), 50)
    .option("--sbatch <option...>", "further sbatch options, for example --sbatch=--account=NAME")
    .action(slurm),
).addCommand(
  engine("kubernetes", "pod", "Write the manifest of an Indexed Job for kubectl apply, with one pod per run.")
    .option("--image <name>", "container image with Deno and losskit, as Dockerfile builds it", DEFAULT_IMAGE)
    .requiredOption("--claim <name>", "PersistentVolumeClaim for the sweep's folder")
    .option(
      "--memory <size>",
      "memory per pod, as a Kubernetes quantity, for example 2Gi",
      notation("--memory", { form: QUANTITY, expected: "a Kubernetes quantity such as 2Gi or 500M" }),
    )
    .option("--mount <path>", "mount path of the claim in the container", containerPath("--mount"), "/data")
    .option(
      "--folder <path>",
      "the sweep's folder in the container (default: its name under --mount)",
      containerPath("--folder"),
    )
    .option("--workdir <path>", "path of losskit in the image", containerPath("--workdir"), "/losskit")
    .option("--retries <n>", "retries of a failed run", numberOption("--retries"), 3)
    .option(
      "--grace <time>",
      "time between SIGTERM and SIGKILL of a pod (default: 120s)",
      wholeSeconds("--grace"),
    )
    .action(kubernetes),
);

/** Options that both kinds of cluster have. */
interface Options {
  out?: string;
  threads: number;
  parallel?: number;
  memory?: string;
  allowEnvironmentChange?: boolean;
}

async function slurm(
  planOrSpec: string,
  { out, sbatch, ...options }: Options & SlurmJobOptions & { sbatch?: string[] },
): Promise<void> {
  const { path, plan } = await writeSlurmJobs(await planOrSpecOf(planOrSpec), {
    ...{ ...options, dir: out, source: planOrSpec, more: sbatch },
  });
  console.log(
    `${plan.runs.length} runs, one task each. All nodes must share the folder. Submit with\n`,
  );
  console.log(`sbatch ${shellWord(path)}`);
}

async function kubernetes(
  planOrSpec: string,
  { out, workdir, ...options }: Options & {
    image: string;
    claim: string;
    mount: string;
    folder?: string;
    workdir: string;
    retries: number;
    grace?: number;
  },
): Promise<void> {
  const { path, plan, dir, folder } = await writeKubernetesJobs(await planOrSpecOf(planOrSpec), {
    ...{ ...options, dir: out, source: planOrSpec, workingDir: workdir },
  });
  if (plan.data.path !== undefined) {
    printNote(`plan.json requires the text at ${plan.data.path} in the container`);
  }
  console.log(
    `${plan.runs.length} runs, one pod each. Copy ${printable(dir)} to ${
      printable(folder)
    } in the volume, and apply with\n`,
  );
  console.log(`kubectl apply -f ${shellWord(path)}`);
}

/** Returns the path of a folder, or the spec in a file. */
async function planOrSpecOf(path: string): Promise<string | object> {
  return isFolder(path) ? path : await readSpec(path);
}

if (import.meta.main) await runCommand(program, Deno.args);
