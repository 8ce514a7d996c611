/**
 * Slurm: a plan as a job array with one task per run.
 *
 * @module
 */
import { EXIT, UserError } from "../error/user_error.ts";
import { shellWord } from "../file/shell_word.ts";
import type { Plan } from "../sweep/plan_file.ts";

/** Options of {@linkcode slurmScript}. */
export interface SlurmOptions {
  /**
   * Path of Deno on the nodes. The environment variable `DENO` takes precedence. If there is no such file, a node uses
   * the `deno` in its `PATH`.
   */
  readonly deno: string;
  /** Arguments of Deno that start `lib/cli/run.ts`, without arguments of the command `run`. */
  readonly command: readonly string[];
  /** Working directory of the command. */
  readonly workingDir: string;
  /** Absolute path of the plan's folder on the nodes. */
  readonly dir: string;
  /** Further arguments of the command `run`: `--index` and options of `run`. */
  readonly flags: readonly string[];
  /** Maximum number of concurrent tasks. Default: Slurm's limit. */
  readonly parallel?: number | undefined;
  /** Time limit of a task in Slurm's format, such as `02:00:00`. Default: the time limit of the partition. */
  readonly time?: string | undefined;
  /** Memory of a task in Slurm's format, such as `2G`. Default: the partition's default memory. */
  readonly memory?: string | undefined;
  /** Name of the partition. Default: Slurm's default partition. */
  readonly partition?: string | undefined;
  /**
   * Number of seconds before the time limit at which Slurm signals a task to write a checkpoint and stop. Default: 120.
   */
  readonly warn?: number | undefined;
  /** Maximum number of requeues of an interrupted task. Default: 50. */
  readonly requeues?: number | undefined;
  /** Further options of sbatch, such as `--account=NAME`. Default: none. */
  readonly more?: readonly string[] | undefined;
}

/**
 * Returns the script for `sbatch`. A task that is interrupted by its time limit, preemption or a user writes a
 * checkpoint and exits with status 75. Slurm then requeues the task. Every other exit status is final, such as 2 (bad
 * input) and 4 (diverged).
 *
 * @throws {UserError} If sbatch cannot represent an option.
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
    // Slurm expands % in paths; %% is a literal %.
    `--output=${slurmLogs(dir).replaceAll("%", "%%")}/%A_%a.log`,
    ...(options.more ?? []),
  ];
  const words = [...options.command, dir, ...options.flags].map(shellWord).join(" ");
  return `#!/bin/bash
${sbatch.map((option) => `#SBATCH ${optionWord(option)}\n`).join("")}
# ${runs.length} runs of plan.json; the task ID is the index of the run. Submit the script with sbatch, from any folder.
cd ${shellWord(workingDir)} || exit ${EXIT.badInput}

# Deno: the path in DENO, the path recorded when this script was generated, or Deno on the PATH of this node.
deno=${shellWord(options.deno)}
if [ -n "\${DENO:-}" ]; then deno=$DENO; elif ! command -v "$deno" > /dev/null; then deno=deno; fi
if ! command -v "$deno" > /dev/null; then
  echo "Cannot run losskit on $HOSTNAME: expected Deno, got no program $deno. Install it there, or submit with sbatch --export=ALL,DENO=/path/to/deno" >&2
  exit ${EXIT.badInput}
fi

# Steps receive the signals for preemption and the time limit. This shell must outlive them.
trap : TERM USR1 INT
srun --ntasks=1 --cpus-per-task=${threads} "$deno" ${words}
code=$?

# ${EXIT.interrupted}: interrupted, with a checkpoint to resume from. Other statuses are final: ${EXIT.badInput} bad input, ${EXIT.someFailed} failed, ${EXIT.diverged} diverged.
if [ "$code" -eq ${EXIT.interrupted} ] && [ "\${SLURM_RESTART_COUNT:-0}" -lt ${requeues} ]; then
  scontrol requeue "\${SLURM_ARRAY_JOB_ID}_\${SLURM_ARRAY_TASK_ID}"
fi
exit "$code"
`;
}

/** Returns the folder for the output of the tasks. The folder must exist before the tasks start. */
export function slurmLogs(dir: string): string {
  return `${dir}/slurm`;
}

/** Quotes a word for sbatch's option lines, which have no escape for quotes. */
function optionWord(option: string): string {
  if (/[\n\r"\\]/.test(option)) {
    throw new UserError(
      `Cannot write a script for Slurm: expected a folder and options without quotes, backslashes and line breaks, ` +
        `got ${JSON.stringify(option)}`,
    );
  }
  return /[\s'#]/.test(option) ? `"${option}"` : option;
}
