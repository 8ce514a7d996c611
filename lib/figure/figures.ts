/**
 * Plotly figures of losses and gaps over steps. All text is escaped for Plotly.
 *
 * @module
 */
import {
  BASELINE,
  blockMeans,
  comparePairs,
  type Comparison,
  DEFAULT_LEVEL,
  DEFAULT_TOLERANCE,
  type Gap,
  gapOf,
  isBaseline,
  type Pair,
  pairRuns,
  perturbedPairs,
  plainText,
  precisionName,
} from "../analysis/mod.ts";
import { distinctRuns, isPerturbed, type RecordedRun, seriesOf } from "../record/mod.ts";
import {
  BASE_COLOR,
  blocksIn,
  COLORS,
  curve,
  DASHES,
  digitsFor,
  finiteOnly,
  layoutOf,
  marksOf,
  NEUTRAL,
  pick,
  pointsFor,
  thinnedNote,
  translucent,
  valuesOf,
} from "./_traces.ts";
import { plotlyText } from "./escape.ts";
import { bySetting, metaOf } from "./facets.ts";
import type { Figure, PlotlyObject } from "./figure.ts";

/** Figure of one setting. The report arranges these figures in a grid by tokenizer and T. */
export interface SettingFigure extends Figure {
  /** Tokenizer. */
  readonly tokenizer: string;
  /** Sequence length in tokens. */
  readonly T: number;
}

/**
 * Returns figures of the training and validation loss over steps. Each setting has one figure with all its precisions
 * and seeds. Omits perturbed runs, because their losses hardly differ from those of the unperturbed runs.
 */
export function lossFigures(all: readonly RecordedRun[]): SettingFigure[] {
  const runs = distinctRuns(all).filter(({ manifest: { spec } }) => !isPerturbed(spec));
  const policies = valuesOf(runs.filter((run) => !isBaseline(run.manifest.spec)), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  const detail = { most: pointsFor(runs.length), digits: digitsFor(runs.length, 5) };
  return bySetting(runs, (run) => run).map(({ name: setting, tokenizer, T, members }) => {
    const drawn = [true, false].flatMap((isBase) =>
      members.filter(({ manifest }) => isBaseline(manifest.spec) === isBase)
    );
    const data = drawn.flatMap((run) => {
      const { spec } = run.manifest;
      const { steps, evals } = seriesOf(run);
      const isBase = isBaseline(spec);
      const color = isBase ? BASE_COLOR : pick(COLORS, policies.indexOf(precisionName(spec)));
      const name = plotlyText(`${plainText(precisionName(spec))}, seed ${spec.seed}`);
      const meta = metaOf(run);
      const training = { x: steps.step, y: steps.loss };
      const validation = { x: evals.map(({ step }) => step), y: evals.map(({ loss }) => loss) };
      return [
        curve(training, {
          name,
          meta: { ...meta, blocks: blocksIn(steps.loss, detail.digits) },
          legendgroup: name,
          // The baseline is wide and pale, so that an equal curve on top of it stays visible.
          line: { color, dash: pick(DASHES, seeds.indexOf(spec.seed)), width: isBase ? 3 : 1.25 },
          opacity: isBase ? 0.65 : 1,
        }, detail),
        {
          ...curve(validation, { name: `${name}, validation`, meta, legendgroup: name }, detail),
          mode: "markers",
          showlegend: false,
          marker: {
            color,
            size: isBase ? 10 : 5,
            symbol: isBase ? "diamond-open" : "diamond",
            line: { width: isBase ? 2 : 0 },
          },
        },
        ...marksOf([training, validation], { name, color, meta }),
      ];
    });
    const title = `Loss: ${setting}`;
    return {
      ...{ title, tokenizer, T, data, layout: layoutOf(title, { x: "step", y: "nats per token" }) },
      how: [
        `Lines: training loss${
          new Set(members.map(({ manifest }) => isBaseline(manifest.spec))).size > 1
            ? ", lower precision on top of float32"
            : ""
        }. Diamonds: validation loss.`,
        ...data.some(isCross) ? ["Crosses: NaN or infinite losses."] : [],
        ...thinnedNote(detail.most),
      ].join(" "),
    };
  });
}

/** Returns true for marks of values that are not finite. */
function isCross({ name }: PlotlyObject): boolean {
  return String(name).endsWith(": not finite");
}

/** Title of the vertical axis of gap figures. */
export const GAP_AXIS: string = `gap to ${BASELINE} (nats per token)`;

/**
 * Returns figures of the gap of the training loss to float32 over steps, one per setting. With several seeds, a figure
 * also shows the mean gap of each twentieth of the steps, its confidence interval, and the noise floor. Dotted lines
 * mark the tolerance. The vertical range depends on the gaps, so that these lines can be outside of the range.
 *
 * @param tolerance Smallest gap that matters, in nats per token. Default: 0.01.
 */
export function gapFigures(
  runs: readonly RecordedRun[],
  tolerance: number = DEFAULT_TOLERANCE,
): SettingFigure[] {
  const pairs = pairRuns(runs);
  const policies = valuesOf(pairs.map(({ other }) => other), precisionName);
  const seeds = valuesOf(runs, ({ seed }) => seed);
  const detail = { most: pointsFor(pairs.length), digits: digitsFor(pairs.length, 4) };
  const above = "Training loss minus float32's: above 0, the lower precision is worse.";
  const dotted = `Dotted: tolerance of ±${tolerance} nats, if in range.`;
  return bySetting(pairs, ({ other }) => other).map(({ name: setting, tokenizer, T, members }) => {
    const gaps = members.map((pair) => gapOf(pair, tolerance));
    const curves = members.flatMap((pair, i) => {
      const { spec } = pair.other.manifest;
      const points = { x: seriesOf(pair.other).steps.step, y: gaps[i]!.byStep };
      const color = pick(COLORS, policies.indexOf(precisionName(spec)));
      const name = plotlyText(`${plainText(precisionName(spec))}, seed ${spec.seed}`);
      const line = { color, dash: pick(DASHES, seeds.indexOf(spec.seed)), width: 1.5 };
      const meta = metaOf(pair.other);
      return [
        // Pale if a mean is drawn on top.
        curve(points, { name, meta, legendgroup: name, line, opacity: members.length > 1 ? 0.5 : 1 }, detail),
        ...marksOf([points], { name, color, meta }),
      ];
    });
    const means = [...Map.groupBy(members, ({ other }) => precisionName(other.manifest.spec)).values()]
      .flatMap((group) =>
        meanTraces(group, {
          perturbed: perturbedPairs(runs, group[0]!.baseline),
          color: pick(COLORS, policies.indexOf(precisionName(group[0]!.other.manifest.spec))),
          digits: detail.digits,
        })
      );
    const title = `Gap: ${setting}`;
    const base = layoutOf(title, { x: "step", y: GAP_AXIS });
    const yaxis = { ...base["yaxis"] as PlotlyObject, range: rangeOf(gaps) };
    return {
      title,
      tokenizer,
      T,
      data: [...curves, ...means],
      layout: { ...base, yaxis, showlegend: true, shapes: [ruleAt(tolerance), ruleAt(-tolerance)] },
      how: [
        above,
        ...means.length > 0 ? ["Bold: mean of the finished pairs of a color, with its 95 % interval."] : [],
        ...means.some(({ name }) => name === "noise floor") ? ["Dashed: noise floor."] : [],
        ...curves.some(isCross) ? ["Crosses: NaN or infinite gaps."] : [],
        dotted,
        ...thinnedNote(detail.most),
      ].join(" "),
      howOfRuns: [above, dotted, ...thinnedNote(detail.most)].join(" "),
    };
  });
}

/**
 * Returns the mean gap of finished pairs per block of steps, its interval and the noise floor. Empty below two pairs. The mean's
 * `meta.members` holds the gaps of each pair, so that the report's page can average a selection of them.
 */
function meanTraces(
  group: readonly Pair[],
  { perturbed, color, digits }: { perturbed: readonly Pair[]; color: string; digits: number },
): PlotlyObject[] {
  const finished = group.filter(({ baseline, other }) =>
    baseline.status === "finished" && other.status === "finished"
  );
  if (finished.length < 2) return [];
  const { blocks, pairs, precision }: Comparison = comparePairs(finished, { perturbed });
  const shown = blocks.filter(({ gap }) => gap.half !== undefined && Number.isFinite(gap.mean));
  if (shown.length === 0) return [];
  const name = plotlyText(plainText(precision.other));
  const x = shown.map(({ first, last }) => (first + last) / 2);
  const isSound = ({ divergedAt: { baseline, other } }: Comparison["pairs"][number]) =>
    baseline === undefined && other === undefined;
  const members = pairs.flatMap((pair, i) =>
    isSound(pair)
      ? [{ ...metaOf(finished[i]!.other), y: finiteOnly(blockMeans(pair.gap.byStep, shown), digits) }]
      : []
  );
  const line = (role: string, y: (number | null)[], style: PlotlyObject): PlotlyObject => ({
    type: "scatter",
    mode: "lines",
    meta: { mean: precision.other, role },
    x,
    y,
    hoverinfo: "skip",
    ...style,
  });
  const edge = { showlegend: false, line: { width: 0 }, legendgroup: precision.other };
  const floor = (sign: number): PlotlyObject[] =>
    shown.every((block) => block.floor === undefined) ? [] : [line(
      "floor",
      shown.map((block) => block.floor === undefined ? null : sign * block.floor),
      {
        name: "noise floor",
        legendgroup: "floor",
        showlegend: sign > 0,
        line: { color: NEUTRAL, width: 1.5, dash: "dash" },
      },
    )];
  const mean = line("mean", shown.map(({ gap }) => gap.mean), {
    name: `${name}, mean of ${finished.length}, ${100 * DEFAULT_LEVEL} % interval`,
    legendgroup: precision.other,
    line: { color, width: 3 },
  });
  return [
    line("low", shown.map(({ gap }) => gap.mean - gap.half!), { ...edge, name: `${name}, lower bound` }),
    line("high", shown.map(({ gap }) => gap.mean + gap.half!), {
      ...edge,
      name: `${name}, upper bound`,
      fill: "tonexty",
      fillcolor: translucent(color),
    }),
    { ...mean, meta: { ...mean["meta"] as PlotlyObject, members } },
    ...floor(1),
    ...floor(-1),
  ];
}

/** Returns a dotted horizontal line across the figure. */
function ruleAt(y: number): PlotlyObject {
  const line = { color: NEUTRAL, width: 1.5, dash: "dot" };
  return { type: "line", xref: "paper", x0: 0, x1: 1, y0: y, y1: y, line };
}

/** Returns the range of all gaps and 0, with a margin. Plotly's own range would always include the tolerance lines. */
function rangeOf(gaps: readonly Gap[]): number[] {
  let low = 0, high = 0;
  for (const { byStep } of gaps) {
    for (const gap of byStep) {
      if (Number.isFinite(gap)) low = Math.min(low, gap), high = Math.max(high, gap);
    }
  }
  const room = 0.08 * (high - low) || 0.01;
  return [low - room, high + room];
}
