/**
 * Figures of runs, and the HTML report. These functions use no tensors.
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
  roundedJson,
  simplexFigure,
} from "./build.ts";
export { gridFigures } from "./comparison_figures.ts";
export { type Point, thin } from "./curve.ts";
export { escapeHtml } from "./escape.ts";
export type { Figure, Json, PlotlyObject } from "./figure.ts";
export { gapFigures, lossFigures, type SettingFigure } from "./figures.ts";
export { gapByAxisFigures } from "./by_axis.ts";
export { probeFigures } from "./probe_figures.ts";
export { type ReportProgress, type RunningRun } from "./report/progress.ts";
export {
  type FigureSection,
  renderReport,
  type ReportContent,
  reportFigures,
  TRAINING,
} from "./report/report.ts";
export { figurePng } from "./svg/png.ts";
export { figureSvg, type SvgOptions } from "./svg/svg.ts";
