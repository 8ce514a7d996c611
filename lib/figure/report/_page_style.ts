/**
 * Style sheet of the report. A constant without data of runs.
 *
 * @module
 */

/** Styles for light and dark mode, narrow screens and print. */
export const STYLE = `
:root { color-scheme: light dark; --ink: #1c2024; --dim: #57606a; --paper: #ffffff; --line: #d5d9de; --soft: #f4f6f8;
  --accent: #0072b2; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e9ec; --dim: #a0a9b2; --paper: #15181b;
  --line: #3a4047; --soft: #1f2429; --accent: #4aa8e0; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 1180px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 0.25rem; }
p { max-width: 75ch; overflow-wrap: anywhere; } .note { color: var(--dim); margin: 0.25rem 0 0.75rem; }
.headline { font-size: 1.1rem; padding: 0.75rem 1rem; background: var(--soft); border-left: 4px solid var(--accent); }
.verdicts { list-style: none; margin: 0; padding: 0; display: grid; gap: 0.5rem; }
.verdicts li { padding: 0.5rem 0.75rem; border-left: 4px solid var(--line); overflow-wrap: anywhere; max-width: 85ch; }
.verdicts .stable { border-color: #009e73; } .verdicts .degraded, .verdicts .diverged { border-color: #d55e00; }
.verdicts .improved { border-color: #0072b2; } .verdicts small { display: block; color: var(--dim); }
#filters { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; margin: 1rem 0; padding: 0.5rem 0.75rem; align-items: end;
  background: var(--soft); }
#filters fieldset { border: 0; margin: 0; padding: 0; min-width: 0; } #filters legend { padding: 0; font-weight: 600; }
#filters label { display: inline-flex; gap: 0.3rem; align-items: center; margin-right: 0.75rem; overflow-wrap: anywhere; }
#filters select { min-width: 8rem; font: inherit; } #filters output { color: var(--dim); margin-left: auto; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; padding: 0.1rem 0.6rem;
  cursor: pointer; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 460px), 1fr)); gap: 1rem; }
@media (min-width: 760px) { .grid { grid-template-columns: repeat(var(--columns), minmax(0, 1fr)); } }
figure { margin: 0; min-width: 0; } figcaption { font-weight: 600; overflow-wrap: anywhere; }
figure[hidden], tr[hidden] { display: none; }
.plot { height: 380px; } .grid .plot { height: 300px; }
.readout { min-height: 1.5em; margin: 0; font-size: 0.8rem; color: var(--dim); font-variant-numeric: tabular-nums; }
.plot .dim { opacity: 0.12 !important; }
.scroll { overflow-x: auto; max-height: 80vh; overflow-y: auto; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
tbody th { font-weight: 500; } thead th { background: var(--soft); vertical-align: bottom; position: sticky; top: 0; }
thead button { border: 0; padding: 0; font-weight: 600; text-align: inherit; }
th[aria-sort="ascending"] button::after { content: " \\2191"; } th[aria-sort="descending"] button::after { content: " \\2193"; }
td button { border: 0; padding: 0; text-decoration: underline dotted; } td button[aria-pressed="true"] { color: var(--accent);
  font-weight: 600; }
tr.pair td { background: var(--soft); }
.number { text-align: right; }
.machine td { white-space: normal; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 0.75rem; overflow-x: auto; }
@media print { main { max-width: none; padding: 0; } figure, tr, li { break-inside: avoid; } #filters, .readout { display: none; }
  .scroll { overflow: visible; max-height: none; } thead th { position: static; } h2 { break-after: avoid; }
  table { font-size: 0.7rem; } th, td { white-space: normal; padding: 0.15rem 0.3rem; } .modebar { display: none !important; } }
`;
