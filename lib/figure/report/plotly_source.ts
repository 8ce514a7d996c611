/**
 * Reads Plotly's minified bundle, for embedding in a page.
 *
 * @module
 */
// Importing a small file makes Deno download the package, so that its path can be resolved.
import plotly from "plotly.js-dist-min/package.json" with { type: "json" };

/** Version of the bundle. */
export const PLOTLY_VERSION: string = plotly.version;

/** Returns the bundle's text, escaped for a script element. */
export async function plotlySource(): Promise<string> {
  const source = await Deno.readTextFile(new URL(import.meta.resolve("plotly.js-dist-min/plotly.min.js")));
  // These sequences occur only in JavaScript strings, where the backslash has no effect. HTML parsers turn \r into \n.
  return source.replaceAll(/<(?=\/script|!--|script)/gi, "\\x3c").replaceAll(/\r\n?/g, "\n");
}
