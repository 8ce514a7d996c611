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
  /** Quantiles of Student's t distribution by number of values, for 95 % confidence intervals. */
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
  /** Key of the run's pair. Runs that differ only in precision have the same key. */
  readonly pair: string;
  /** True if the run's precision is float32. */
  readonly isBase: boolean;
  /** The run's values by axis, as indices into `PageFacet.values`. A run can have several tags. */
  readonly facets: Readonly<Record<string, readonly number[]>>;
  /** Fields that differ between runs. */
  readonly fields: Readonly<Record<string, string>>;
  /** Results by label. */
  readonly results: Readonly<Record<string, string>>;
  /** Note of a user. */
  readonly note?: string;
  /** Error message of a failed run. */
  readonly problem?: string;
  /** Tokens per step. */
  readonly tokens: number;
  /** Floating-point operations per step, if known. */
  readonly flops?: number;
  /** Elapsed training time in seconds, at some of the steps. */
  readonly clock: { readonly step: readonly number[]; readonly seconds: readonly number[] };
}

/** Embedded figure. */
export interface PageFigure {
  readonly title: string;
  /** Explanation of how to read the curves of runs. The served page has the explanation of the whole figure. */
  readonly how?: string;
  /** True for curves over steps. Embedded curves over steps have the distances between their places as `x`. */
  readonly isSteps: boolean;
  readonly data: readonly Trace[];
  readonly layout: Layout;
  /** Runs laid side by side, in order. Undefined in a figure of the report. */
  readonly beside?: readonly string[];
}

/** Runs that a trace shows. A trace without `run`, `points` and `mean` shows all runs. */
export interface Meta {
  /** ID of the run. */
  readonly run?: string;
  /** Means of the curve by block of steps. */
  readonly blocks?: { readonly x: readonly number[]; readonly y: readonly (number | null)[] };
  /** ID of the run that each point shows. */
  readonly points?: readonly string[];
  /** Precision whose runs are averaged. All traces of the same mean have the same value. */
  readonly mean?: string;
  /**
   * Role of the trace. `mean`: mean per block. `low`, `high`: edges of the mean's confidence interval. `category`: mean
   * per category. `floor`: noise floor of all runs.
   */
  readonly role?: "mean" | "low" | "high" | "category" | "floor";
  /** Values that are averaged, by run: one value per block, or one value in a category. */
  readonly members?: readonly Member[];
}

/** Values of one run that contribute to a mean. */
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
  readonly opacity?: number;
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
