/**
 * Loss curves that are updated during training.
 *
 * @module
 */
import { optionNames, requireKnownNames } from "../error/known_names.ts";
import { curveFigure, type Figure, type Point } from "../figure/mod.ts";
import { figureBundle, svgBundle } from "./_bundle.ts";
import { LiveDisplay } from "./_display.ts";
import { stopSignal } from "./stop.ts";

/** A step or an evaluation, as yielded by `train` or returned by `trainer.step`. Other events are not plotted. */
export interface LossEvent {
  /** Kind of the event: `step`, `eval`, or another kind. Default: `step`. */
  readonly event?: string;
  /** Number of finished steps. */
  readonly step?: number;
  /** Loss in nats per token. */
  readonly loss?: number;
}

/** Options of {@linkcode livePlot}. */
export interface LivePlotOptions {
  /** Title of the figure. Default: `Loss`. */
  readonly title?: string | undefined;
  /** Label of the vertical axis. Default: `nats per token`. */
  readonly y?: string | undefined;
  /** Minimum time between two updates in milliseconds. Default: 500. */
  readonly every?: number | undefined;
}

/** Names of the options. */
const NAMES = optionNames<LivePlotOptions>({ title: true, y: true, every: true });

/**
 * Requires that an object has only options of {@linkcode livePlot}.
 *
 * @throws {RangeError} For an unknown name.
 */
export function requirePlotOptions(options: LivePlotOptions): void {
  requireKnownNames(options, NAMES, "plot");
}

/**
 * Plots the losses of a training loop while the loop runs, and yields the loop's events. The Stop button of a notebook
 * ends the loop after the current step. The model keeps its current weights.
 *
 * During the loop, the figure is an SVG image, because every front end can update SVG. The final figure is a Plotly
 * figure.
 *
 * @param events Result of `train`, or an iterable of results of `trainer.step`.
 * @param options Title, axis label and update interval.
 * @throws {RangeError} For an unknown option.
 */
export async function* livePlot<E extends LossEvent>(
  events: AsyncIterable<E> | Iterable<E>,
  options: LivePlotOptions = {},
): AsyncGenerator<E, void, undefined> {
  requirePlotOptions(options);
  const { title = "Loss", y = "nats per token", every = 500 } = options;
  const training: Point[] = [], validation: Point[] = [];
  const figure = (): Figure =>
    curveFigure({ title, x: "step", y }, [
      { name: "training", points: training },
      ...validation.length === 0
        ? []
        : [{ name: "validation", points: validation, mode: "markers" as const }],
    ]);
  const stop = stopSignal(), shown = new LiveDisplay();
  let drawn = performance.now();
  try {
    for await (const event of events) {
      const { event: kind = "step", step, loss } = event;
      if (step !== undefined && loss !== undefined) {
        if (kind === "step") training.push({ x: step, y: loss });
        if (kind === "eval") validation.push({ x: step, y: loss });
      }
      if (performance.now() - drawn >= every) {
        await shown.draw(svgBundle(figure()));
        drawn = performance.now();
      }
      yield event;
      if (stop.aborted) return;
    }
  } finally {
    await shown.finish(figureBundle(figure()));
  }
}
