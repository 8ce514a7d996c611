/**
 * Shared by the experiment notebooks: opens experiments, and draws figures of their tables.
 *
 * @module
 */
import { fileURLToPath } from "node:url";
import { watchSignals } from "../lib/error/signals.ts";
import { type Curve, curveFigure, type Figure } from "../lib/figure/mod.ts";
import {
  type Experiment,
  type ExperimentResult,
  readExperimentResult,
  runExperiment,
} from "../lib/sweep/mod.ts";

/** Row of an experiment's table. */
export type Row = Readonly<Record<string, number | string | boolean | null>>;

/** Result of an experiment. */
export interface OpenExperiment extends ExperimentResult {
  /** Returns a table by name. */
  table(name: string): readonly Row[];
}

/**
 * Runs an experiment or reads its recorded result. Prints claim, prediction and duration.
 *
 * @param experiment Experiment to open.
 * @param full True: run the experiment. False (default): read `results/NAME.json`.
 */
export async function openExperiment(experiment: Experiment, full = false): Promise<OpenExperiment> {
  const result = full ? await run(experiment) : read(experiment);
  console.log(`Claim (${experiment.source}): ${experiment.claim}`);
  console.log(`Prediction, recorded before the runs and not edited since: ${experiment.prediction}`);
  const minutes = Math.max(1, Math.round(result.seconds / 60));
  console.log(
    `${result.runs} runs in ${minutes} minute${minutes === 1 ? "" : "s"} on ${result.environment?.cpuModel}`,
  );
  return { ...result, table: (name) => (result.tables[name] ?? []).map(inOrder) };
}

/**
 * Returns a row in which the half-width of an interval follows its mean, and the number of values is named. Some recorded
 * rows have the mean last.
 */
function inOrder({ n, ...row }: Row): Row {
  const counted: Row = n === undefined ? row : { ...row, values: n };
  const { half, ...rest } = counted, names = Object.keys(row);
  if (half === undefined) return counted;
  const hasMean = names.slice(0, names.indexOf("half")).some((name) => typeof row[name] === "number");
  return hasMean ? counted : { ...rest, half };
}

function read({ name }: Experiment): ExperimentResult {
  return readExperimentResult(fileURLToPath(new URL(`results/${name}.json`, import.meta.url)));
}

async function run(experiment: Experiment): Promise<ExperimentResult> {
  using interruption = watchSignals();
  const result = await runExperiment(experiment, {
    size: "full",
    dir: new URL(`out/${experiment.name}`, import.meta.url).pathname,
    workers: 2,
    threads: 1,
    interruption,
    print: (line) => console.log(line),
  });
  if (result === undefined) {
    throw new Error(`Cannot finish ${experiment.name}: interrupted. Repeat the call to resume.`);
  }
  return result;
}

/**
 * Returns a curve of two columns of a table.
 *
 * @param rows Rows, in order of x.
 * @param columns Name of the curve, and column names: `x`, `y`, and optionally `half`, the half-width of an interval, drawn
 * as a band.
 */
export function curveOf(
  rows: readonly Row[],
  { name, x, y, half }: { name: string; x: string; y: string; half?: string },
): Curve {
  const band = (row: Row) => ({
    low: Number(row[y]) - Number(row[half!]),
    high: Number(row[y]) + Number(row[half!]),
  });
  return {
    name,
    mode: "lines+markers",
    points: rows.map((row) => ({ x: Number(row[x]), y: Number(row[y]) })),
    ...(half !== undefined && { band: rows.map(band) }),
  };
}

/**
 * Returns a figure of values with intervals, one mark per name.
 *
 * @param text Title, and title of the vertical axis.
 * @param marks Names, values, and half-widths of intervals.
 */
export function intervalFigure(
  text: { title: string; y: string },
  marks: readonly { name: string; value: number; half: number }[],
): Figure {
  const xaxis = {
    tickvals: [...marks.keys()],
    ticktext: marks.map(({ name }) => name),
    range: [-0.5, marks.length - 0.5],
  };
  const points = marks.map(({ value }, x) => ({ x, y: value }));
  const figure = curveFigure({ ...text, layout: { xaxis } }, [
    { name: "mean, 95 % interval", mode: "markers", points },
  ]);
  const bars = { error_y: { type: "data", array: marks.map(({ half }) => half) } };
  return { ...figure, data: figure.data.map((trace) => ({ ...trace, ...bars })) };
}
