/**
 * Plotly's own minified bundle, for putting into a page. It is read and not run here.
 *
 * @module
 */
// Importing a small file of the package has Deno fetch the package; its path can be resolved only then.
import plotly from "plotly.js-dist-min/package.json" with { type: "json" };

/** The version of the bundle. */
export const PLOTLY_VERSION: string = plotly.version;

/** The bundle's text, fit to stand inside a script element. */
export async function plotlySource(): Promise<string> {
  const source = await Deno.readTextFile(new URL(import.meta.resolve("plotly.js-dist-min/plotly.min.js")));
  // In JavaScript strings, where alone these can be, the backslash changes nothing. HTML would read \r as \n.
  return source.replaceAll(/<(?=\/script|!--|script)/gi, "\\x3c").replaceAll(/\r\n?/g, "\n");
}
