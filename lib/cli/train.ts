/** `deno task train`: one run. */
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { describeEntropy } from "../run/mod.ts";
import { describeRun, recordRun, report, type RunSpecInput, SINGLE_RUN } from "../study/mod.ts";
import { command, list, reportDamage, runCommand, STATUS_HELP } from "./command.ts";
import { addRunFlags, runFieldsOf } from "./run_flags.ts";

const program = command("train", "Trains one model and records the run.")
  .option(
    "--out <folder>",
    "where the run and its report go (default: experiments/out/train, or train-HASH where train holds another run)",
  )
  .option("--describe", "print the model's parts, parameters and operations, and train nothing")
  .option("--resume", "go on with the run in the folder, as its plan says; it is made where there is none")
  .option("--allow-environment-change", "count or go on with a run that another environment made")
  .addHelpText("after", STATUS_HELP)
  .action(train);
addRunFlags(program, { defaultOf });

/** Options of the command; further ones are a run's fields. */
interface Options {
  out?: string;
  describe?: boolean;
  resume?: boolean;
  allowEnvironmentChange?: boolean;
  [field: string]: unknown;
}

async function train(options: Options): Promise<void> {
  const { out, describe, resume, allowEnvironmentChange } = options;
  if (out?.trim() === "") throw new UserError("Cannot train: --out must name a folder: it is empty");
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
      console.error(`1 run into ${printable(dir)}`);
      const entropy = describeEntropy(data);
      if (entropy !== undefined) console.error(entropy);
    },
  });
  Deno.exitCode = exitCode;
  if (exitCode === EXIT.interrupted) {
    return console.error("interrupted: run the same command to go on");
  }
  if (finished === 0) return;
  const { path, leftOut } = await report(dir, { title: "train", print: (line) => console.log(line) });
  console.log(`\nreport: ${printable(path)}`);
  reportDamage(leftOut);
}

/** Returns the one name that a flag gives. */
function single(flag: string, value: unknown): string | undefined {
  if (value === undefined) return undefined;
  const [name, ...others] = list(String(value));
  if (name !== undefined && others.length === 0) return name;
  throw new UserError(
    `Cannot train: ${flag} must name one, since train makes one run: it names ${
      others.length + (name ? 1 : 0)
    }. ` +
      "Use sweep for several.",
  );
}

/** Returns a field's default as help shows it. */
function defaultOf(name: string): unknown {
  const { seq: [T], tokensPerStep, seeds: [seed], data } = SINGLE_RUN;
  const derived: Record<string, unknown> = {
    ...{ T, seed, data, B: tokensPerStep / T!, tokenizer: "char", policy: "off" },
    ...{ threads: "the cores", minLr: "a tenth of --lr", overrides: "none" },
  };
  return derived[name] ?? SINGLE_RUN[name as keyof typeof SINGLE_RUN];
}

if (import.meta.main) await runCommand(program, Deno.args);
