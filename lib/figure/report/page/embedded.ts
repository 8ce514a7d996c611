/**
 * Reads the data and the script that the page embeds compressed.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { textOf } from "./dom.ts";
import type { PageData } from "./types.ts";

/** Returns the text of an embedded element: base64 of gzip. */
async function unpacked(id: string, root: Document): Promise<string> {
  const binary = atob(textOf(id, root)), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i); // ten times faster than Uint8Array.from
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).text();
}

/** Returns the data of a page. */
export async function readData(root: Document = document): Promise<PageData> {
  return JSON.parse(await unpacked("data", root)) as PageData;
}

/** Runs the embedded Plotly. The content security policy allows it by its checksum. */
export async function runPlotly(): Promise<void> {
  document.head.append(Object.assign(document.createElement("script"), {
    textContent: await unpacked("plotly", document),
  }));
}
