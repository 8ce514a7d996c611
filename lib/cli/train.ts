/** `deno task train`: trains one model. */
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { describeEntropy } from "../run/mod.ts";
import { describeRun, recordRun, report, type RunSpecInput, SINGLE_RUN } from "../study/mod.ts";
import { command, list, reportDamage, runCommand, STATUS_HELP } from "./command.ts";
import { addRunFlags, runFieldsOf } from "./run_flags.ts";

const program = command("train", "Train one model and record the run.")
  .option(
    "--out <folder>",
    "folder of run and report (default: experiments/out/train, or train-HASH if train contains a different run)",
  )
  .option("--describe", "print the model's layers, parameters and operations, without training")
  .option("--resume", "resume the run in --out with the options of its plan; create it if missing")
  .option("--allow-environment-change", "accept or resume a run from a different environment")
  .addHelpText("after", STATUS_HELP)
  .action(train);
addRunFlags(program, { defaultOf });

/** Options of the command, including the fields of a run. */
interface Options {
  out?: string;
  describe?: boolean;
  resume?: boolean;
  allowEnvironmentChange?: boolean;
  [field: string]: unknown;
}

async function train(options: Options): Promise<void> {
  const { out, describe, resume, allowEnvironmentChange } = options;
  if (out?.trim() === "") throw new UserError("Cannot use --out: expected a folder, got an empty name.");
  const { tokenizer, policy, threads, ...others } = runFieldsOf(options);
  const fields = {
    ...others,
    tokenizer: single("--vocab", tokenizer),
    policy: single("--amp", policy),
  } as RunSpecInput; // checked by the library
  const common = {
    ...{ dir: out, resume, source: "the command line" },
    threads: threads as number | undefined,
  };
  if (describe) return console.log(await describeRun(fields, common));
  using interruption = watchSignals();
  const { dir, exitCode, finished } = await recordRun(fields, {
    ...common,
    ...{ allowEnvironmentChange, interruption },
    onPlan: ({ data }, dir) => {
      console.error(`1 run in ${printable(dir)}`);
      const entropy = describeEntropy(data);
      if (entropy !== undefined) console.error(entropy);
    },
  });
  Deno.exitCode = exitCode;
  if (exitCode === EXIT.interrupted) {
    return console.error("interrupted; repeat the command to resume");
  }
  if (finished === 0) return;
  const { path, leftOut } = await report(dir, { title: "train", print: (line) => console.log(line) });
  console.log(`\nreport: ${printable(path)}`);
  reportDamage(leftOut);
}

/**
 * Returns the single name in the value of a flag.
 *
 * @throws {UserError} If the value contains no name or several names.
 */
function single(flag: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const [name, ...others] = list(String(value));
  if (name !== undefined && others.length === 0) return name;
  throw new UserError(
    `Cannot use ${flag}: expected one name, got ${others.length + (name ? 1 : 0)}. Use sweep for several.`,
  );
}

/** Returns the default of a field for the help text. */
function defaultOf(name: string): unknown {
  const { seq: [T], tokensPerStep, seeds: [seed], data } = SINGLE_RUN;
  const derived: Record<string, unknown> = {
    ...{ T, seed, data, B: tokensPerStep / T!, tokenizer: "char", policy: "off" },
    ...{ threads: "number of cores", minLr: "a tenth of --lr", overrides: "none" },
  };
  return derived[name] ?? SINGLE_RUN[name as keyof typeof SINGLE_RUN];
}

if (import.meta.main) await runCommand(program, Deno.args);
