/**
 * Types of the Plotly functions that the page calls, and of the drawn figures.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import type { PageFigure, Trace } from "./types.ts";

/** Element that Plotly draws in. */
export interface PlotElement extends HTMLElement {
  on(event: "plotly_hover", listener: (event: { readonly points: readonly HoverPoint[] }) => void): void;
  on(event: "plotly_unhover", listener: () => void): void;
  /** Plotly's layout with its axes. Present once the figure is drawn. */
  readonly _fullLayout?: { readonly xaxis: PixelAxis; readonly yaxis: PixelAxis };
}

/** Axis that converts between pixels from its start and values. */
export interface PixelAxis {
  /** Start of the axis in the element, and its length, in pixels. */
  readonly _offset: number;
  readonly _length: number;
  p2d(pixel: number): number;
  d2p(value: number): number;
}

/** Point under the pointer. */
export interface HoverPoint {
  readonly data: Trace;
  readonly x: number | string;
  readonly pointNumber: number;
}

/** Plotly functions that the page calls. */
export interface PlotlyLibrary {
  react(element: HTMLElement, data: readonly Trace[], layout: object, config: object): Promise<unknown>;
  purge(element: HTMLElement): void;
  readonly Plots: {
    /** Fits a displayed figure to the width of its element. */
    resize(element: HTMLElement): Promise<unknown>;
  };
  toImage(
    figure: { data: readonly Trace[]; layout: object; config: object },
    options: { format: "png" | "svg"; width: number; height: number; scale?: number },
  ): Promise<string>;
}

/** Figure on the page, with its state. */
export interface Plot {
  readonly element: PlotElement;
  readonly figure: PageFigure;
  readonly readout: HTMLElement;
  /** True for a figure of a run's details, or of runs side by side. It has a legend of its own, and dims no curves. */
  readonly isDetail: boolean;
  /** Traces of the last drawing. */
  traces: readonly Trace[];
  /** Traces of the last drawing before lines were merged. Values are read from them. */
  readable: readonly Trace[];
  /** True if the figure is in or near the viewport. */
  visible: boolean;
  drawn: boolean;
  /** True if filters or view changed since the last drawing. */
  stale: boolean;
  /** True if no trace matches the filters. */
  empty: boolean;
  /** True if the last drawing has the width of a printed page. */
  printed: boolean;
  /** True if the figure has more lines than are drawn separately. */
  many: boolean;
  /** Index of the curve, and of its point, selected by the arrow keys. */
  curve: number;
  place: number | undefined;
}
