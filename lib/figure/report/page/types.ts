/**
 * Types of the figures that `renderReport` embeds, and of the Plotly functions that the page calls.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** Value of a run on each axis, and the key of its pair. */
export interface Meta {
  readonly facets?: Readonly<Record<string, string>>;
  readonly pair?: string;
  /** One entry per point, for traces whose points belong to different runs. */
  readonly points?: readonly Meta[];
}

/** Line or marker options of a trace. */
export interface Look {
  readonly color?: unknown;
  readonly symbol?: unknown;
  readonly dash?: string;
  readonly width?: number;
}

/** Plotly trace. */
export interface Trace {
  readonly type?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly x: readonly (number | string | null)[];
  readonly y: readonly (number | null)[];
  readonly text?: unknown;
  readonly line?: Look;
  readonly marker?: Look;
  readonly meta?: Meta | undefined;
  readonly uid?: string | undefined;
  readonly opacity?: number;
  readonly hoverinfo?: string;
  readonly showlegend?: boolean;
}

/** Plotly layout. The page sets colors and margins and keeps the other options. */
export interface Layout {
  readonly margin?: Readonly<Record<string, number>>;
  readonly xaxis?: object;
  readonly yaxis?: object;
  readonly hoverlabel?: object;
}

/** Embedded figure. */
export interface FigureData {
  readonly data: readonly Trace[];
  readonly layout: Layout;
}

/** Element that Plotly draws in. */
export interface PlotElement extends HTMLElement {
  on(event: "plotly_hover", listener: (event: { readonly points: readonly HoverPoint[] }) => void): void;
  on(event: "plotly_unhover", listener: () => void): void;
}

/** Point under the pointer. */
export interface HoverPoint {
  readonly data: Trace;
  readonly x: number | string;
  readonly pointNumber: number;
}

/** Plotly functions that the page calls. */
export interface PlotlyLibrary {
  react(
    element: HTMLElement,
    data: readonly Trace[],
    layout: object,
    config: object,
  ): Promise<unknown>;
  purge(element: HTMLElement): void;
}

/** Figure on the page, with its state. */
export interface Plot {
  readonly element: PlotElement;
  /** Index among the embedded figures. */
  readonly index: number;
  readonly readout: HTMLElement;
  /** Traces of the last drawing. */
  traces: readonly Trace[];
  /** True if the figure is in or near the viewport. */
  visible: boolean;
  drawn: boolean;
  /** True if filters changed since the last drawing. */
  stale: boolean;
  /** True if no trace matches the filters. */
  empty: boolean;
  /** True if the figure has more lines than are drawn separately. */
  many: boolean;
  /** True if pointer listeners are attached. */
  bound: boolean;
  /** Index of the curve, and of its point, selected by the arrow keys. */
  curve: number;
  place: number | undefined;
}
