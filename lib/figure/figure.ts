/**
 * The figure type: Plotly data and layout as plain JSON.
 *
 * @module
 */

/** JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** JSON object for Plotly, such as a trace or a layout. */
export type PlotlyObject = { readonly [key: string]: Json };

/** Figure for Plotly, as plain JSON. */
export interface Figure {
  /** Title as plain text. */
  readonly title: string;
  /** Plotly traces. */
  readonly data: readonly PlotlyObject[];
  /** Explanation of how to read the figure, in one or two sentences. Default: none. */
  readonly how?: string;
  /** Explanation of a figure with the curves of some runs alone, without means. Default: `how`. */
  readonly howOfRuns?: string;
  /** Plotly layout. */
  readonly layout: PlotlyObject;
}
