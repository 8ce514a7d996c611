/**
 * The page's data: figures as `renderReport` embeds them, and the part of Plotly that the page calls.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** A run's value on each axis, and the key that its pair shares. */
export interface Meta {
  readonly facets?: Readonly<Record<string, string>>;
  readonly pair?: string;
  /** One entry for each point, for traces whose points belong to different runs. */
  readonly points?: readonly Meta[];
}

/** Line and marker options of a trace. The page reads the color and the symbol. */
export interface Look {
  readonly color?: unknown;
  readonly symbol?: unknown;
  readonly dash?: string;
  readonly width?: number;
}

/** A trace of Plotly's. */
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

/** A layout of Plotly's. The page sets colors and margins and passes the rest through. */
export interface Layout {
  readonly margin?: Readonly<Record<string, number>>;
  readonly xaxis?: object;
  readonly yaxis?: object;
  readonly hoverlabel?: object;
}

/** One embedded figure. */
export interface FigureData {
  readonly data: readonly Trace[];
  readonly layout: Layout;
}

/** The element that Plotly draws in. */
export interface PlotElement extends HTMLElement {
  on(event: "plotly_hover", listener: (event: { readonly points: readonly HoverPoint[] }) => void): void;
  on(event: "plotly_unhover", listener: () => void): void;
}

/** The point under the mouse. */
export interface HoverPoint {
  readonly data: Trace;
  readonly x: number | string;
  readonly pointNumber: number;
}

/** The functions of Plotly that the page calls. */
export interface PlotlyLibrary {
  react(
    element: HTMLElement,
    data: readonly Trace[],
    layout: object,
    config: object,
  ): Promise<unknown>;
  purge(element: HTMLElement): void;
}

/** A figure on the page, and its state. */
export interface Plot {
  readonly element: PlotElement;
  /** Its place among the embedded figures. */
  readonly index: number;
  readonly readout: HTMLElement;
  /** The traces drawn last. */
  traces: readonly Trace[];
  /** Whether it lies in or near the window. */
  visible: boolean;
  drawn: boolean;
  /** Whether filters changed since it was drawn. */
  stale: boolean;
  /** Whether the filters leave nothing of it. */
  empty: boolean;
  /** Whether its lines are too many to be pointed at one by one. */
  many: boolean;
  /** Whether it listens to the mouse. */
  bound: boolean;
  /** The curve and the point that the arrow keys are at. */
  curve: number;
  place: number | undefined;
}
