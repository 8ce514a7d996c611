/**
 * Figures and the report. No tensors.
 *
 * @module
 */
export { nonFiniteMarks, type Point, thin } from "./curve.ts";
export { escapeHtml, plotlyText, scriptJson } from "./escape.ts";
export {
  type Figure,
  gapByAxisFigures,
  gapFigures,
  type Json,
  lossFigures,
  type PlotlyObject,
} from "./figures.ts";
export { renderReport, type ReportContent } from "./report.ts";
