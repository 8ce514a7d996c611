/** `deno task train`: one run. */
import { printable } from "../error/printable.ts";
import { watchSignals } from "../error/signals.ts";
import { EXIT, UserError } from "../error/user_error.ts";
import { RUN_FIELD_ENTRIES } from "../options/run_fields.ts";
import { describeModel, type GptConfig } from "../model/mod.ts";
import { describeEntropy, findText, loadCorpus, modelOf, prepareForRun } from "../run/mod.ts";
import {
  DEFAULT_SWEEP,
  defaultFolder,
  expandSweep,
  makePlan,
  parseSweepSpec,
  placePlan,
  type Plan,
  readPlan,
  runSweep,
  specHash,
  specOfSingleRun,
  type SweepSpec,
} from "../sweep/mod.ts";
import { requireDevice } from "../tensorflow/native/probe_machine.ts";
import {
  append,
  command,
  DATA_HELP,
  escaped,
  list,
  overrides,
  OVERRIDES_HELP,
  POLICIES_HELP,
  PROBES_HELP,
  runCommand,
  STATUS_HELP,
} from "./command.ts";
import { numberOf, numberOption, numeric } from "./numbers.ts";
import { writeReport } from "./report_files.ts";

/** What is not said: the built-in sweep's model and rates on a run of its own. */
const DEFAULTS: SweepSpec = {
  ...DEFAULT_SWEEP,
  name: "train",
  vocab: ["character"],
  policy: ["float32"],
  seq: [64],
  tokensPerStep: 64 * 12,
  steps: 500,
  seeds: [1],
};

const program = command("train", "Trains one model and records the run.")
  .option(
    "--out <folder>",
    "where the run and its report go (default: experiments/out/train, or train-HASH where train holds another run)",
  )
  .option("--describe", "print the model's parts, parameters and operations, and train nothing")
  .option("--resume", "go on with the run in the folder, as its plan says; it is made where there is none")
  .option("--allow-environment-change", "count or go on with a run that another environment made")
  .option("--data <corpus>", `${DATA_HELP} (default: shakespeare)`, append)
  .option("--separator <text>", "text that ends a document inside a file, \\n for a line break", escaped)
  .option("--vocab <name>", "char, byte, gpt2, or the size of a byte-pair vocabulary (default: char)")
  .option("--amp <policy>", `${POLICIES_HELP} (default: off)`)
  .option("--override <list>", OVERRIDES_HELP)
  .option("--probes <k>", PROBES_HELP, numeric)
  .option("--seq <T>", "tokens in a sequence (default: 64)", numberOption("--seq"))
  .option("--batch <B>", "sequences in a batch (default: 12)", numberOption("--batch"))
  .option("--steps <n>", "training steps (default: 500)", numeric)
  .option("--seed <n>", "seed of initial weights, batches and dropout (default: 1)", numeric)
  .option("--threads <n>", "threads (default: the cores)", numberOption("--threads"))
  .option("--nesterov", "look ahead along SGD's momentum")
  .option("--save-best", "keep the weights of the best evaluation in best.safetensors")
  .option("--qk-norm", "LayerNorm of queries and keys")
  .option("--untied-head", "a head of its own, not the table of token embeddings")
  .option("--without-bias", "no biases in matrices and LayerNorms")
  .addHelpText("after", STATUS_HELP)
  .action(trainOne);
for (const [name, { type, flag, doc }] of RUN_FIELD_ENTRIES) {
  if (!flag) continue;
  const word = type === "text" || type === "tokens" ? "word" : "number";
  const option = name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  program.option(`--${option} <${word}>`, `${doc}${defaultOf(option)}`, numeric);
}

/** Options as they were given; what was not given is not among them. */
type Given = Record<string, string | number | boolean | string[] | undefined>;

async function trainOne(
  { out, resume, threads, allowEnvironmentChange, describe, ...given }: Given,
): Promise<void> {
  const identity = (spec: SweepSpec) => specHash(threads === undefined ? spec : { ...spec, threads });
  const fresh = () => parseSweepSpec(fieldsOf(given, DEFAULTS), "the command line", DEFAULTS);
  const saysNothing = threads === undefined && Object.keys(given).length === 0;
  const dir = out === undefined
    ? defaultFolder("train", resume === true && saysNothing ? {} : { "": identity(fresh()) })
    : String(out);
  if (dir.trim() === "") throw new UserError("Cannot train: --out must name a folder: it is empty");
  if (describe !== true) requireDevice();
  const found = readPlan(dir);
  const base = resume === true && found !== undefined
    ? specOfSingleRun(dir, given["data"] === undefined ? await withText(dir, found) : found)
    : undefined;
  const spec = parseSweepSpec(fieldsOf(given, base ?? DEFAULTS), "the command line", base ?? DEFAULTS);
  if (describe === true) return console.log(describeModel(await modelOfSpec(spec)));
  const cores = numberOf("--threads", threads ?? found?.threads ?? navigator.hardwareConcurrency);
  const plan = { ...await makePlan(spec, cores), specSha256: identity(spec) };
  placePlan(dir, plan);
  console.error(`1 run into ${printable(dir)}`);
  const entropy = describeEntropy(plan.data);
  if (entropy !== undefined) console.error(entropy);
  using interruption = watchSignals();
  const outcome = await runSweep(plan, {
    ...{ dir, workers: 1, interruption },
    allowEnvironmentChange: allowEnvironmentChange === true,
  });
  Deno.exitCode = outcome.exitCode;
  if (outcome.exitCode === EXIT.interrupted) {
    return console.error("interrupted: run the same command to go on");
  }
  if (outcome.finished > 0) {
    console.log(
      `\nreport: ${
        printable(await writeReport(dir, { title: "train", print: (line) => console.log(line) }))
      }`,
    );
  }
}

/** Returns a plan with its text's present path. */
async function withText(dir: string, plan: Plan): Promise<Plan> {
  return { ...plan, data: (await findText(plan.data, { dir })).source };
}

/** The model that a spec of one run trains, its vocabulary made first. */
async function modelOfSpec(spec: SweepSpec): Promise<GptConfig> {
  const { corpus, source } = await loadCorpus(spec.data);
  const [run] = expandSweep(spec, { data: source.name, threads: 1 });
  using prepared = await prepareForRun(corpus, run!);
  return modelOf(run!, prepared.tokenizer.vocabSize);
}

/** The spec's fields that options give. */
function fieldsOf(given: Given, defaults: SweepSpec): Record<string, unknown> {
  const { data, vocab, amp, override, probes, seq, batch, steps, seed, untiedHead, withoutBias, ...others } =
    given;
  const T = numberOf("--seq", seq ?? defaults.seq[0]);
  const B = numberOf("--batch", batch ?? defaults.tokensPerStep / defaults.seq[0]!);
  const fields = {
    ...others,
    data,
    vocab: vocab === undefined ? undefined : [single("--vocab", list(String(vocab)))],
    policy: amp === undefined ? undefined : [single("--amp", list(String(amp)))],
    probeEvery: probes,
    overrides: override === undefined ? undefined : overrides(String(override)),
    seq: [T],
    tokensPerStep: T * B,
    steps,
    seeds: seed === undefined ? undefined : [seed],
    tiedHead: untiedHead === true ? false : undefined,
    bias: withoutBias === true ? false : undefined,
    // A short run does not warm up, unless it is told to.
    warmupSteps: others["warmupSteps"] ??
      (typeof steps === "number" && steps <= DEFAULTS.warmupSteps ? 0 : undefined),
  };
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}

function single(flag: string, values: readonly string[]): string {
  const [value] = values;
  if (value !== undefined && values.length === 1) return value;
  throw new UserError(
    `Cannot train: ${flag} must name one, since train makes one run: it names ${values.length}. ` +
      "Use sweep for several.",
  );
}

/** What a number or a word is when it is not given, for the help text. */
function defaultOf(option: string): string {
  const field = option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
  return ` (default: ${DEFAULTS[field as keyof SweepSpec] ?? "a tenth of --lr"})`;
}

if (import.meta.main) await runCommand(program, Deno.args);
