/**
 * What a figure is: Plotly's data and layout as plain JSON, and what a page needs to filter it.
 *
 * @module
 */

/** What JSON holds. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };
/** An object of Plotly's: a trace, a layout. */
export type PlotlyObject = { readonly [key: string]: Json };

/** A figure: Plotly's `data` and `layout`, and its title as plain text. */
export interface Figure {
  /** Plain text, as in the layout. */
  readonly title: string;
  /** Plotly's traces. */
  readonly data: readonly PlotlyObject[];
  /** Plotly's layout. */
  readonly layout: PlotlyObject;
}
