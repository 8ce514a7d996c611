/**
 * What notebooks need: display, and the kernel that runs them.
 *
 * @module
 */
export { settle, showFigure, showTable } from "./display.ts";
export {
  createProgress,
  formatBytes,
  type Progress,
  type ProgressOptions,
  type Unit,
} from "../progress/progress.ts";
export { createLiveTable, type LiveTable, type LiveTableOptions } from "../progress/live_table.ts";
export type { FrontEnd } from "../progress/front_end.ts";
export { jupyterDataDir, KERNEL_NAME, writeKernelspec } from "./kernelspec.ts";
export { stopSignal } from "./stop.ts";
