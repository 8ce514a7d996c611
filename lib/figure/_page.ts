/**
 * The report's style sheet and script: constant text, in which nothing of a run stands.
 *
 * @module
 */

/** Light and dark, from a phone's width on. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --dim: #57606a; --paper: #ffffff; --line: #d5d9de; --soft: #f4f6f8;
  --accent: #0072b2; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --dim: #a0a9b2; --paper: #15181b; --line: #3a4047;
  --soft: #1f2429; --accent: #4aa8e0; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 1180px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 0.25rem; }
p { max-width: 75ch; overflow-wrap: anywhere; } .note { color: var(--dim); margin: 0.25rem 0 0.75rem; }
.headline { font-size: 1.1rem; padding: 0.75rem 1rem; background: var(--soft); border-left: 4px solid var(--accent); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; overflow-wrap: anywhere; }
.plot { height: 380px; }
.scroll { overflow-x: auto; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
tbody th { font-weight: 500; } thead th { background: var(--soft); vertical-align: bottom; }
.number { text-align: right; }
.machine td { white-space: normal; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; }
@media print { figure, tr { break-inside: avoid; } }
`;

/** Draws what the element \`figures\` holds, in the colours that the reader prefers. */
export const SCRIPT = `
"use strict";
const figures = JSON.parse(document.getElementById("figures").textContent);
const dark = matchMedia("(prefers-color-scheme: dark)");
const config = { displaylogo: false, showSendToCloud: false, plotlyServerURL: "", responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d"] };
const colored = (layout) => {
  const [ink, grid, paper] = dark.matches ? ["#e6e9ec", "#343a41", "#1f2429"] : ["#1c2024", "#e2e6ea", "#ffffff"];
  const axis = { gridcolor: grid, linecolor: grid };
  return { ...layout, paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)",
    font: { color: ink, family: "system-ui, sans-serif" },
    xaxis: { ...layout.xaxis, ...axis }, yaxis: { ...layout.yaxis, ...axis },
    hoverlabel: { ...layout.hoverlabel, bgcolor: paper, bordercolor: grid, font: { color: ink } },
    modebar: { bgcolor: "rgba(0,0,0,0)", color: dark.matches ? "#8b949e" : "#6e7781", activecolor: ink } };
};
const draw = () => figures.forEach(({ data, layout }, i) =>
  Plotly.react(document.getElementById("figure-" + i), data, colored(layout), config));
draw();
dark.addEventListener("change", draw);
`;
