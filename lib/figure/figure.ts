/**
 * The figure type: Plotly data and layout as plain JSON.
 *
 * @module
 */

/** JSON value. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** Plotly object: a trace or a layout. */
export type PlotlyObject = { readonly [key: string]: Json };

/** Plotly figure: `data`, `layout` and a plain-text title. */
export interface Figure {
  /** Title as plain text. */
  readonly title: string;
  /** Plotly traces. */
  readonly data: readonly PlotlyObject[];
  /** Instructions for reading the figure, in one or two sentences. Default: none. */
  readonly how?: string;
  /** Plotly layout. */
  readonly layout: PlotlyObject;
}
