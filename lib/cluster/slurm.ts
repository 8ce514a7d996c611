/**
 * A plan as a job array for Slurm: a task a run.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { shellWord } from "../file/shell_word.ts";
import type { Plan } from "../sweep/plan.ts";

/** What the script says besides the plan. */
export interface SlurmOptions {
  /** Where Deno is, unless a node has it elsewhere: `$DENO`, or on its `PATH`. */
  readonly deno: string;
  /** What Deno is told, word by word, to run `lib/cli/run.ts`, up to its arguments. */
  readonly command: readonly string[];
  /** The folder to run it in. */
  readonly workingDir: string;
  /** The plan's folder, as the nodes see it: absolute. */
  readonly dir: string;
  /** What `run` is told besides that folder: `--index` and its options. */
  readonly flags: readonly string[];
  /** Tasks at once. Default: as many as Slurm grants. */
  readonly parallel?: number | undefined;
  /** Time limit of a task in Slurm's words, such as `02:00:00`. Default: the partition's. */
  readonly time?: string | undefined;
  /** Memory of a task in Slurm's words, such as `2G`. Default: the partition's. */
  readonly memory?: string | undefined;
  /** Where it runs. Default: the default partition. */
  readonly partition?: string | undefined;
  /** Seconds before the time limit at which a task is told to stop, with a checkpoint. Default: 120. */
  readonly warn?: number | undefined;
  /** How often a task that was stopped is queued again. Default: 50. */
  readonly requeues?: number | undefined;
  /** More options of sbatch, such as `--account=NAME`. */
  readonly more?: readonly string[] | undefined;
}

/**
 * The script for `sbatch`. A task that is stopped (by a time limit, by preemption, by hand) writes a checkpoint and ends with
 * status 75, on which it is queued again; 2 (bad input), 4 (diverged) and others are final.
 *
 * @throws {UserError} for what cannot be said in a line of options.
 */
export function slurmScript({ name, threads, runs }: Plan, options: SlurmOptions): string {
  const { dir, workingDir, warn = 120, requeues = 50 } = options;
  const limits = {
    time: options.time,
    mem: options.memory,
    partition: options.partition,
  };
  const sbatch = [
    `--job-name=${name}`,
    `--array=0-${runs.length - 1}${options.parallel === undefined ? "" : `%${options.parallel}`}`,
    "--ntasks=1",
    `--cpus-per-task=${threads}`,
    ...Object.entries(limits).flatMap(([flag, value]) => value === undefined ? [] : [`--${flag}=${value}`]),
    "--requeue",
    `--signal=USR1@${warn}`,
    "--open-mode=append",
    // %% is Slurm's word for one %.
    `--output=${slurmLogs(dir).replaceAll("%", "%%")}/%A_%a.log`,
    ...(options.more ?? []),
  ];
  const words = [...options.command, dir, ...options.flags].map(shellWord).join(" ");
  return `#!/bin/bash
${sbatch.map((option) => `#SBATCH ${optionWord(option)}\n`).join("")}
# ${runs.length} runs of plan.json; the task's number is the run's index. Submit it with sbatch, from anywhere.
cd ${shellWord(workingDir)} || exit ${EXIT.badInput}

# Deno: as DENO says, or else where it was when this was written, or else where this node has it.
deno=${shellWord(options.deno)}
if [ -n "\${DENO:-}" ]; then deno=$DENO; elif ! command -v "$deno" > /dev/null; then deno=deno; fi
if ! command -v "$deno" > /dev/null; then
  echo "Cannot run losskit on $HOSTNAME: wanted Deno: there is no $deno. Install it there, or submit with sbatch --export=ALL,DENO=/path/to/deno" >&2
  exit ${EXIT.badInput}
fi

# Steps are told of preemption and of the end of their time; this shell has to outlive them.
trap : TERM USR1 INT
srun --ntasks=1 --cpus-per-task=${threads} "$deno" ${words}
code=$?

# ${EXIT.interrupted}: stopped, with a checkpoint to go on from. Others are final: ${EXIT.badInput} bad input, ${EXIT.someFailed} failed, ${EXIT.diverged} diverged.
if [ "$code" -eq ${EXIT.interrupted} ] && [ "\${SLURM_RESTART_COUNT:-0}" -lt ${requeues} ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
`;
}

/** Where tasks' own output goes; the folder must be there when they start. */
export function slurmLogs(dir: string): string {
  return `${dir}/slurm`;
}

/** A word in a line of sbatch's options, which knows quotes but no way to put a quote into them. */
function optionWord(option: string): string {
  if (/[\n\r"\\]/.test(option)) {
    throw new UserError(
      `Cannot write a script for Slurm: wanted a folder and options without quotes, backslashes and line ends: ` +
        `given ${JSON.stringify(option)}`,
    );
  }
  return /[\s'#]/.test(option) ? `"${option}"` : option;
}
