/**
 * Types of the data that `renderReport` embeds.
 *
 * @module
 */

/** Embedded data. */
export interface PageData {
  readonly figures: readonly PageFigure[];
  /** Axes in which runs differ. */
  readonly facets: readonly PageFacet[];
  /** Fields with equal values in all runs. */
  readonly common: Readonly<Record<string, string>>;
  /** Student's t by number of values, for 95 % intervals. */
  readonly quantiles: readonly number[];
  /** Runs by ID. */
  readonly runs: Readonly<Record<string, PageRun>>;
}

/** Axis in which runs differ. */
export interface PageFacet {
  readonly key: string;
  readonly label: string;
  /** Values with their labels, which may be shortened. */
  readonly values: readonly { readonly value: string; readonly text: string }[];
}

/** A run. */
export interface PageRun {
  /** Key shared by runs that differ only in precision. */
  readonly pair: string;
  /** True for float32. */
  readonly isBase: boolean;
  /** Values by axis, as indices of the axis's values. A run can have several tags. */
  readonly facets: Readonly<Record<string, readonly number[]>>;
  /** Fields that differ between runs. */
  readonly fields: Readonly<Record<string, string>>;
  /** Results by label. */
  readonly results: Readonly<Record<string, string>>;
  /** Note of a user. */
  readonly note?: string;
  /** Tokens per step. */
  readonly tokens: number;
  /** Operations per step, if known. */
  readonly flops?: number;
  /** Training time after some steps, in seconds. */
  readonly clock: { readonly step: readonly number[]; readonly seconds: readonly number[] };
}

/** Embedded figure. */
export interface PageFigure {
  readonly title: string;
  /** True for curves over steps. */
  readonly isSteps: boolean;
  readonly data: readonly Trace[];
  readonly layout: Layout;
}

/** Origin of a trace. A trace without `run`, `points` and `mean` is of all runs. */
export interface Meta {
  /** ID of the run. */
  readonly run?: string;
  /** Mean training losses by block of steps. */
  readonly blocks?: { readonly x: readonly number[]; readonly y: readonly (number | null)[] };
  /** IDs of the runs of each point. */
  readonly points?: readonly string[];
  /** Precision of a mean. Traces of one mean share it. */
  readonly mean?: string;
  /** Label of the precision. */
  readonly label?: string;
  /** Part of a mean: a value per block with its edges, a value per category, or the noise floor of all runs. */
  readonly role?: "mean" | "low" | "high" | "category" | "floor";
  /** Values of the runs of a mean: one per block, or one in a category. */
  readonly members?: readonly Member[];
}

/** Values of one run of a mean. */
export interface Member {
  readonly run: string;
  readonly x?: string;
  readonly y: number | readonly (number | null)[];
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
  readonly error_y?: { readonly array: readonly number[] };
  readonly meta?: Meta | undefined;
  readonly uid?: string | undefined;
  readonly opacity?: number;
  readonly hoverinfo?: string;
  readonly showlegend?: boolean;
  readonly fill?: string;
  readonly fillcolor?: string;
}

/** Plotly layout. The page sets colors, titles and scales of axes, and keeps the other options. */
export interface Layout {
  readonly margin?: Readonly<Record<string, number>>;
  readonly xaxis?: Readonly<Record<string, unknown>>;
  readonly yaxis?: Readonly<Record<string, unknown>>;
  readonly hoverlabel?: object;
  readonly height?: number;
}
