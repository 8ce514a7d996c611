/**
 * Reads the data and the script that the page embeds compressed.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all, textOf } from "./dom.ts";
import type { PageData, PageFigure } from "./types.ts";

/** Returns the text that is embedded as base64 of gzip. */
async function unpacked(base64: string): Promise<string> {
  const binary = atob(base64), bytes = new Uint8Array(binary.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = binary.charCodeAt(i); // ten times faster than Uint8Array.from
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return await new Response(stream).text();
}

/** Returns the data of a page. */
export async function readData(root: Document = document): Promise<PageData> {
  const data = JSON.parse(await unpacked(textOf("data", root))) as PageData;
  return { ...data, figures: data.figures.map((figure) => figure.isSteps ? withPlaces(figure) : figure) };
}

/** Returns a figure over steps with places instead of the distances between them. */
function withPlaces(figure: PageFigure): PageFigure {
  const data = figure.data.map((trace) => {
    let place = 0;
    return { ...trace, x: trace.x.map((distance) => place += Number(distance)) };
  });
  return { ...figure, data };
}

/** Adds the rows of long tables that the page embeds compressed. They are escaped as the other rows are. */
export async function addRows(): Promise<void> {
  await Promise.all(
    all("script.rows").map(async (script) => {
      const html = await unpacked(script.textContent ?? "");
      const body = script.parentElement?.querySelector("tbody");
      // An update of a served page may have replaced the table meanwhile.
      if (script.isConnected) body?.insertAdjacentHTML("beforeend", html);
      script.remove();
    }),
  );
}

/** Runs the embedded Plotly. The content security policy allows it by its checksum. */
export async function runPlotly(): Promise<void> {
  document.head.append(Object.assign(document.createElement("script"), {
    textContent: await unpacked(textOf("plotly")),
  }));
}
