/**
 * Notebooks as Markdown pages.
 *
 * @module
 */
import { joined, type MultilineText, type Notebook, type Output } from "../lib/notebook/ipynb.ts";

/** A page and the files that it shows. */
export interface NotebookPage {
  /** Text of the page. */
  readonly markdown: string;
  /** SVG figures by file name, in the folder of the page. */
  readonly figures: ReadonlyMap<string, string>;
}

/**
 * Converts a notebook with its outputs.
 *
 * @param name Name of the notebook's file without its extension.
 */
export function notebookPage(notebook: Notebook, name: string): NotebookPage {
  const figures = new Map<string, string>();
  const addFigure = (svg: string) => {
    const file = `${name}-${figures.size + 1}.svg`;
    figures.set(file, svg);
    return file;
  };
  const parts = notebook.cells.map(({ cell_type, source, outputs = [] }) => {
    const text = joined(source);
    if (cell_type !== "code") return text;
    const shown = outputs.map((output) => outputMarkdown(output, addFigure))
      .filter((part) => part !== "");
    return [
      fence(text, "ts"),
      ...(shown.length === 0 ? [] : [inOutput(shown.join("\n\n"))]),
    ].join("\n\n");
  });
  const note = `_Notebook \`notebooks/${name}.ipynb\` with its recorded outputs_`;
  const [heading = "", ...rest] = parts;
  return {
    markdown: `${[heading.replace(/^# .*$/m, `$&\n\n${note}`), ...rest].join("\n\n")}\n`,
    figures,
  };
}

/** Returns an output in Markdown. Figures are the SVG next to Plotly's data. */
function outputMarkdown(
  output: Output,
  addFigure: (svg: string) => string,
): string {
  if (output.output_type === "stream") {
    return fence(joined(output["text"] as MultilineText).trimEnd(), "text");
  }
  const data = (output["data"] ?? {}) as Record<string, MultilineText>;
  const of = (mime: string) => data[mime] === undefined ? undefined : joined(data[mime]);
  const svg = of("image/svg+xml"), html = of("text/html");
  if (svg !== undefined) {
    const label = /aria-label="([^"]*)"/.exec(svg)?.[1] ?? "figure";
    return `<img src="./${addFigure(svg)}" alt="${label}">`;
  }
  // An empty line would end the HTML block. Vue must not read its text.
  if (html !== undefined) {
    return `<div v-pre>${html.replaceAll(/\s*\n\s*/g, " ")}</div>`;
  }
  return fence(of("text/plain") ?? "", "text");
}

/** Returns lines as a block of code. */
function fence(text: string, language: string): string {
  const ticks = "`".repeat(
    Math.max(3, ...[...text.matchAll(/`+/g)].map(([run]) => run.length + 1)),
  );
  return `${ticks}${language}\n${text}\n${ticks}`;
}

/** Returns Markdown in an element that marks the outputs of a cell. */
function inOutput(markdown: string): string {
  return `<div class="output">\n\n${markdown}\n\n</div>`;
}
