/**
 * Figures and the report. No tensors.
 *
 * @module
 */
export { escapeHtml, scriptJson } from "./escape.ts";
export { type Figure, gapByAxisFigures, gapFigures, lossFigures, thin } from "./figures.ts";
export { renderReport, type ReportContent } from "./report.ts";
