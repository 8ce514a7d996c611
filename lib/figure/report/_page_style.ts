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
@media (min-width: 901px) { html { scroll-padding-top: 3.5rem; } }
* { box-sizing: border-box; }
body { margin: 0; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); }
main { max-width: 1180px; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.6rem; margin: 0.5rem 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.25rem 0 0.25rem; }
p { max-width: 75ch; overflow-wrap: anywhere; } .note { color: var(--dim); margin: 0.25rem 0 0.75rem; }
.headline { font-size: 1.1rem; padding: 0.75rem 1rem; background: var(--soft); border-left: 4px solid var(--accent); }
h3 { font-size: 1rem; margin: 1.25rem 0 0.25rem; }
.warning { border-left: 4px solid #d55e00; padding-left: 0.75rem; }
ul.verdicts { list-style: none; margin: 0.5rem 0 0; padding: 0; display: grid; gap: 0.5rem; }
.verdicts li { padding: 0.5rem 0.75rem; border-left: 4px solid var(--line); overflow-wrap: anywhere; max-width: 85ch; }
.verdicts small { display: block; color: var(--dim); }
.verdicts .stable { border-left: 4px solid #009e73; } .verdicts .undecided, .verdicts .within { border-left: 4px solid var(--line); }
.verdicts .degraded, .verdicts .diverged { border-left: 4px solid #d55e00; } .verdicts .improved { border-left: 4px solid #0072b2; }
details { margin: 0.5rem 0; } summary { cursor: pointer; }
#filters, #view { display: flex; flex-wrap: wrap; gap: 0.5rem 1.25rem; margin: 1rem 0 0; padding: 0.5rem 0.75rem; align-items: end;
  background: var(--soft); }
#view { align-items: center; margin-top: 0.25rem; position: sticky; top: 0; z-index: 2; } #view[hidden] { display: none; }
#filters fieldset { border: 0; margin: 0; padding: 0; min-width: 0; } #filters legend { padding: 0; font-weight: 600; }
#filters label, #view label { display: inline-flex; gap: 0.3rem; align-items: center; overflow-wrap: anywhere; }
#filters label { margin-right: 0.75rem; }
select { font: inherit; max-width: 100%; } #filters select { min-width: 8rem; } #view input[type="range"] { width: 7rem; }
#filters output { color: var(--dim); margin-left: auto; }
#hidden { display: flex; flex-wrap: wrap; gap: 0.25rem 0.5rem; align-items: center; max-width: none; max-height: 9rem;
  margin: 0.25rem 0 0; padding: 0.5rem 0.75rem; overflow: auto; font-size: 0.875rem; background: var(--soft); }
#hidden[hidden] { display: none; } #hidden button { max-width: 100%; text-align: left; overflow-wrap: anywhere; }
@media (max-width: 900px) { #view { position: static; } figcaption { padding-right: 0; } .save { position: static; } }
body.part .all > h2::after { content: " (all runs)"; color: var(--dim); font-weight: 400; }
body.one main > :not(#run) { display: none; }
#live { position: fixed; right: 0.5rem; bottom: 0.5rem; margin: 0; padding: 0.1rem 0.6rem; z-index: 3; background: var(--soft);
  border: 1px solid var(--line); border-radius: 4px; font-size: 0.8rem; }
.progress { width: 100%; max-width: 40rem; }
button { font: inherit; color: inherit; background: none; border: 1px solid var(--line); border-radius: 4px; padding: 0.1rem 0.6rem;
  cursor: pointer; }
.legend, .keys { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; margin: 0.25rem 0 0.75rem; font-size: 0.875rem; }
.keys { gap: 0.1rem 1rem; margin: 0.1rem 0; font-size: 0.8rem; } .legend:empty, .keys:empty { display: none; }
.legend span, .keys span { display: inline-flex; gap: 0.4rem; align-items: center; overflow-wrap: anywhere; min-width: 0; }
.legend i, .keys i { width: 1.75rem; flex: none; } .legend b { font-weight: 700; white-space: pre; flex: none; }
.keys .mark { width: 0.7rem; height: 0.7rem; border-radius: 50%; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 440px), 1fr)); gap: 1.25rem 1rem; }
figure { margin: 0; min-width: 0; position: relative; } figcaption { font-weight: 600; overflow-wrap: anywhere; padding-right: 8rem; }
figure[hidden], tr[hidden] { display: none; }
.plot { min-height: 180px; }
.save { position: absolute; top: 0; right: 0; display: flex; gap: 0.25rem; opacity: 0.35; }
.save button, button.csv { font-size: 0.7rem; padding: 0 0.4rem; color: var(--dim); }
figure:hover .save, figure:focus-within .save { opacity: 1; }
button.csv { margin-top: 0.35rem; }
.readout { min-height: 1.5em; margin: 0; font-size: 0.8rem; color: var(--dim); font-variant-numeric: tabular-nums; max-width: none;
  max-height: 6.75em; overflow-y: auto; }
.how { margin: 0.1rem 0 0; font-size: 0.8rem; color: var(--dim); max-width: none; }
.plot .dim { opacity: 0.12 !important; }
.scroll { overflow: auto; max-height: 80vh; width: fit-content; max-width: 100%; background:
  linear-gradient(to right, var(--paper) 30%, transparent) left / 40px 100% no-repeat local,
  linear-gradient(to left, var(--paper) 30%, transparent) right / 40px 100% no-repeat local,
  linear-gradient(to top, var(--paper) 30%, transparent) bottom / 100% 40px no-repeat local,
  linear-gradient(to right, rgba(110,120,130,0.45), transparent) left / 14px 100% no-repeat scroll,
  linear-gradient(to left, rgba(110,120,130,0.45), transparent) right / 14px 100% no-repeat scroll,
  linear-gradient(to top, rgba(110,120,130,0.45), transparent) bottom / 100% 14px no-repeat scroll; }
.scroll:has(> .long) { content-visibility: auto; contain-intrinsic-size: auto 100vw auto 80vh; }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
table { border-collapse: collapse; font-size: 0.875rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.25rem 0.6rem; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap; }
tbody th { font-weight: 500; } thead th, thead td { background: var(--soft); vertical-align: bottom; position: sticky; top: 0; z-index: 1; }
thead button { border: 0; padding: 0; font-weight: 600; text-align: inherit; }
th[aria-sort="ascending"] button::after { content: " \\2191"; } th[aria-sort="descending"] button::after { content: " \\2193"; }
td button { border: 0; padding: 0; } td .open { text-decoration: underline dotted; }
.acts { padding: 0.25rem 0 0.25rem 0.4rem; } .acts button { padding: 0 0.25rem; color: var(--dim); }
.acts button[aria-pressed="true"] { color: var(--accent); }
tr.pair td { background: var(--soft); }
.number { text-align: right; }
.wide { white-space: normal; min-width: 14rem; }
#run p button + button { margin-left: 0.4rem; } #run .figures, #beside .figures { margin-top: 1.25rem; }
.machine td { white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
pre { background: var(--soft); padding: 0.75rem; white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { @page { margin: 12mm; } main { max-width: none; padding: 0; } figure, tr, li, .note, .legend { break-inside: avoid; } .note, .legend { break-after: avoid; }
  #filters { display: block; } body:not(.part) #filters, #filters > :not(output), #view, #hidden, #live, .readout, .save, .csv, .acts, thead td { display: none; } .figures { display: block; } figure { margin-bottom: 1rem; }
  .scroll { overflow: visible; max-height: none; width: auto; background: none; }
  .scroll:has(> .long) { content-visibility: visible; } thead th { position: static; } h2 { break-after: avoid; }
  table { font-size: 0.6rem; } th, td { white-space: normal; padding: 0.1rem 0.25rem; } .wide { min-width: 0; } details > * { display: block; } }
`;
