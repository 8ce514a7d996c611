/**
 * Reference run of `shakespeare.json`: writes the inputs for PyTorch, and extracts losskit's results.
 *
 * ```sh
 * deno run -A experiments/reference/shakespeare.ts inputs FOLDER
 * python experiments/reference/shakespeare_torch.py FOLDER > experiments/reference/shakespeare_torch.json
 * deno task sweep experiments/reference/shakespeare.json --out OUT
 * deno run -A experiments/reference/shakespeare.ts curve OUT > experiments/reference/shakespeare_losskit.json
 * ```
 *
 * Files with `bf16` in their names belong to the same run in bf16-autocast: use `--policy bf16-autocast` in Python, and this
 * policy in the spec.
 *
 * @module
 */
import { join } from "node:path";
import { readJsonFile } from "../../lib/file/json.ts";
import { effectiveEvents, readRuns, type RunSpec } from "../../lib/record/mod.ts";
import { encodeSafetensors, initialParameters } from "../../lib/model/mod.ts";
import { loadCorpus, modelOf } from "../../lib/run/mod.ts";
import { expandSweep, parseSweepSpec } from "../../lib/sweep/mod.ts";
import { tokenizerOf } from "../../lib/sweep/spec.ts";
import { createRandom, getBatch, prepareCorpus } from "../../lib/text/mod.ts";

/** Number of threads in both libraries. */
const THREADS = 2;

/** Results of one library. Losses are in nats per character. */
export interface ReferenceCurve {
  /** Library and version. */
  readonly library: string;
  /** CPU and number of threads. */
  readonly machine: string;
  /** Spec of the run. */
  readonly settings: RunSpec;
  /** Number of targets in the validation split. */
  readonly validationTargets: number;
  /** Losses over the whole validation split. */
  readonly evals: readonly { readonly step: number; readonly loss: number }[];
  /** Training losses of the first ten steps. */
  readonly firstLosses: readonly number[];
  /** Mean training losses of steps 1 to 100, 101 to 200, and so on. */
  readonly lossPer100Steps: readonly number[];
  /** Duration in seconds, including evaluations. */
  readonly seconds: number;
}

/** Returns the spec of the reference run. */
export function referenceSpec(): RunSpec {
  const path = join(import.meta.dirname!, "shakespeare.json");
  const spec = parseSweepSpec(readJsonFile(path), path);
  return expandSweep(spec, { data: String(spec.data), threads: THREADS })[0]!;
}

/**
 * Returns the results of the run in a sweep's folder.
 *
 * @throws {Error} If the first run is not finished.
 */
export function curveOf(folder: string): ReferenceCurve {
  const [run] = readRuns(folder);
  if (run?.status !== "finished") throw new Error(`Cannot read ${folder}: expected a finished run.`);
  const { steps, evals } = effectiveEvents(run.events);
  const { spec, environment } = run.manifest;
  const finish = run.events.findLast((event) => event.event === "finish")!;
  const round = (value: number) => Number(value.toFixed(6));
  const hundreds = Array.from({ length: Math.ceil(steps.length / 100) }, (_, i) => {
    const part = steps.slice(100 * i, 100 * i + 100);
    return round(part.reduce((sum, { loss }) => sum + loss, 0) / part.length);
  });
  return {
    library: `losskit, TensorFlow ${environment.tensorflowVersion}, ${spec.policy}, ${spec.execution}`,
    machine: `${environment.cpuModel}, ${spec.threads} threads`,
    settings: spec,
    validationTargets: evals.at(-1)!.tokens,
    evals: evals.map(({ step, loss }) => ({ step, loss: round(loss) })),
    firstLosses: steps.slice(0, 10).map(({ loss }) => round(loss)),
    lossPer100Steps: hundreds,
    seconds: finish.event === "finish" ? Math.round(finish.seconds) : 0,
  };
}

/** Writes the initial weights, the batches and the validation tokens of the run. */
async function writeInputs(folder: string): Promise<void> {
  const spec = referenceSpec();
  const { corpus } = await loadCorpus(spec.data);
  const { train, validation, tokenizer } = await prepareCorpus(corpus, { tokenizer: tokenizerOf(spec) });
  const tensors = initialParameters(modelOf(spec, tokenizer.vocabSize), spec.seed);
  const random = createRandom(spec.seed, "batches");
  const { B, T, steps } = spec;
  const windows = new Int32Array(steps * B * (T + 1));
  for (let step = 0; step < steps; step++) {
    const { x, y } = getBatch(train, { B, T, random });
    for (let b = 0; b < B; b++) {
      const place = (step * B + b) * (T + 1);
      windows.set(x.subarray(b * T, (b + 1) * T), place);
      windows[place + T] = y[(b + 1) * T - 1]!;
    }
  }
  const bytes = (values: Int32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  await Deno.mkdir(folder, { recursive: true });
  await Deno.writeTextFile(join(folder, "settings.json"), JSON.stringify(spec));
  await Deno.writeFile(
    join(folder, "initial.safetensors"),
    encodeSafetensors({ tensors, metadata: { format: "pt" } }),
  );
  await Deno.writeFile(join(folder, "batches.i32"), bytes(windows));
  await Deno.writeFile(join(folder, "validation.i32"), bytes(validation.subarray(0, validation.length)));
}

if (import.meta.main) {
  const [what, folder] = Deno.args;
  if (what === "inputs" && folder !== undefined) await writeInputs(folder);
  else if (what === "curve" && folder !== undefined) console.log(JSON.stringify(curveOf(folder), null, 1));
  else {
    console.error("Usage: shakespeare.ts inputs FOLDER | curve FOLDER");
    Deno.exitCode = 2;
  }
}
