/**
 * Figures and the report. No tensors.
 *
 * @module
 */
export {
  barFigure,
  type Bars,
  type Curve,
  curveFigure,
  type FigureText,
  type HeatMap,
  heatMapFigure,
  PALETTE,
  roundedJson,
  simplexFigure,
} from "./build.ts";
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
export { figureSvg, type SvgOptions } from "./svg.ts";
export { renderReport, type ReportContent } from "./report.ts";
