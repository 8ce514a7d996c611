/**
 * Export of a notebook as one HTML page with text, code and outputs. The page makes no network requests and contains no
 * scripts.
 *
 * @module
 */
import hljs from "highlight.js/lib/core";
import typescript from "highlight.js/lib/languages/typescript";
import { Marked } from "marked";
import markedKatex from "marked-katex-extension";
import { escapeHtml } from "../figure/mod.ts";
import { type Cell, joined, type MultilineText, type Notebook, type Output } from "./ipynb.ts";

hljs.registerLanguage("typescript", typescript);

const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --paper: #fff; --soft: #f4f6f8; --line: #d5d9de; --dim: #57606a;
  --key: #a626a4; --text: #2f7d32; --number: #986801; --name: #2f6fd0; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --paper: #15181b; --soft: #1f2429; --line: #3a4047;
  --dim: #a0a9b2; --key: #d291e4; --text: #98c379; --number: #d8a657; --name: #6cb6ff; } }
body { margin: 0; font: 16px/1.55 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 860px; margin: 0 auto; padding: 1rem; }
pre { margin: 0.75rem 0; padding: 0.6rem 0.8rem; overflow-x: auto; font: 13px/1.5 ui-monospace, monospace; }
pre.code { background: var(--soft); border: 1px solid var(--line); border-radius: 4px; }
.outputs pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.outputs { border-left: 3px solid var(--line); padding-left: 0.9rem; overflow-x: auto; }
.stderr { color: var(--dim); }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.2rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; }
img, svg { max-width: 100%; height: auto; } .outputs svg { background: #fff; }
@media screen and (prefers-color-scheme: dark) { .outputs svg { filter: invert(0.9) hue-rotate(180deg); } }
@media screen and (max-width: 600px) { .outputs svg { max-width: none; min-width: 560px; } }
.hljs-keyword, .hljs-built_in { color: var(--key); } .hljs-string, .hljs-subst { color: var(--text); }
.hljs-number, .hljs-literal { color: var(--number); } .hljs-title { color: var(--name); }
.hljs-comment { color: var(--dim); font-style: italic; }
@media print { pre, .outputs { break-inside: avoid; } }
`;

/** MIME types of outputs in order of preference. */
const PREFERRED = ["image/svg+xml", "text/html", "image/png", "image/jpeg", "text/markdown", "text/plain"];

/**
 * Returns the HTML page of a notebook. Formulas become MathML. Plotly figures are shown as SVG, which their outputs
 * also contain.
 *
 * @param title Title of the page if the notebook has no heading.
 */
export function notebookHtml(notebook: Notebook, title: string): string {
  const marked = new Marked(markedKatex({ output: "mathml", throwOnError: false, nonStandard: true }));
  const markdown = (text: string) => marked.parse(text, { async: false });
  const first = notebook.cells.find(({ cell_type }) => cell_type === "markdown");
  const heading = /^#\s+(.*)$/m.exec(first === undefined ? "" : joined(first.source))?.[1] ?? title;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escapeHtml(heading)}</title>
<style>${STYLE}</style>
</head>
<body>
<main>
${notebook.cells.map((cell) => cellHtml(cell, markdown)).join("\n")}
</main>
</body>
</html>
`;
}

function cellHtml(cell: Cell, markdown: (text: string) => string): string {
  const text = joined(cell.source);
  if (cell.cell_type === "markdown") return markdown(text);
  if (cell.cell_type === "raw") return `<pre>${escapeHtml(text)}</pre>`;
  const code = hljs.highlight(text, { language: "typescript" }).value;
  const outputs = (cell.outputs ?? []).map((output) => outputHtml(output, markdown));
  return `<pre class="code"><code>${code}</code></pre>` +
    (outputs.length === 0 ? "" : `<div class="outputs">${outputs.join("\n")}</div>`);
}

function outputHtml(output: Output, markdown: (text: string) => string): string {
  if (output.output_type === "stream") {
    const text = escapeHtml(joined(output["text"] as MultilineText));
    return `<pre class="${output["name"] === "stderr" ? "stderr" : "stdout"}">${text}</pre>`;
  }
  const data = (output["data"] ?? {}) as Record<string, MultilineText>;
  const mime = PREFERRED.find((mime) => data[mime] !== undefined);
  if (mime === undefined) return "";
  const text = joined(data[mime]!);
  if (mime.startsWith("image/") && mime !== "image/svg+xml") {
    return `<img alt="" src="data:${mime};base64,${escapeHtml(text.replaceAll(/\s/g, ""))}">`;
  }
  if (mime === "text/plain") return `<pre>${escapeHtml(text)}</pre>`;
  return mime === "text/markdown" ? markdown(text) : text;
}
