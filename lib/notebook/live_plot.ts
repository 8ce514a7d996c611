/**
 * Loss curves that are redrawn while a model trains.
 *
 * @module
 */
import { curveFigure, type Figure, type Point } from "../figure/mod.ts";
import { figureBundle, svgBundle } from "./_bundle.ts";
import { LiveDisplay } from "./_display.ts";
import { stopSignal } from "./stop.ts";

/** A step or an evaluation: what `train` yields and `trainer.step` returns; other events are passed on. */
export interface LossEvent {
  /** `step`, `eval`, or another event. Default: step. */
  readonly event?: string;
  /** Steps done. */
  readonly step?: number;
  /** Loss, nats per token. */
  readonly loss?: number;
}

/** How a live plot looks. */
export interface LivePlotOptions {
  /** Title. Default: Loss. */
  readonly title?: string | undefined;
  /** Vertical axis. Default: nats per token. */
  readonly y?: string | undefined;
  /** Shortest time between two drawings, in milliseconds. Default: 500. */
  readonly every?: number | undefined;
}

/**
 * Draws the losses of a training loop while it runs, and passes its events on. The Stop button of a notebook ends the loop
 * after the current step; the weights stay as they are then.
 *
 * While the loop runs the figure is SVG, which every front end redraws; at the end it is Plotly's.
 *
 * @param events What `train` returns, or an iterable of what `trainer.step` returns.
 * @param options Title, axis and pace.
 */
export async function* livePlot<E extends LossEvent>(
  events: AsyncIterable<E> | Iterable<E>,
  { title = "Loss", y = "nats per token", every = 500 }: LivePlotOptions = {},
): AsyncGenerator<E, void, undefined> {
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
