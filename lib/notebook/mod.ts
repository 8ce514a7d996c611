/**
 * Functions for notebooks: display, documentation, and a stop signal. In Deno's kernel, the import of this module also
 * prevents the loss of cell outputs (see `kernel_outputs.ts`).
 *
 * @module
 */
import { keepOutputs } from "./kernel_outputs.ts";

export { help } from "./help.ts";
export { livePlot, type LivePlotOptions, type LossEvent } from "./live_plot.ts";
export { show, type Showable, type ShownComparison } from "./show.ts";
export {
  createProgress,
  formatBytes,
  type Progress,
  type ProgressOptions,
  type Unit,
} from "../progress/progress.ts";
export { createLiveTable, type LiveTable, type LiveTableOptions } from "../progress/live_table.ts";
export type { NamedLine } from "../progress/width.ts";
export type { FrontEnd } from "../progress/front_end.ts";
export { jupyterDataDir, KERNEL_NAME, writeKernelspec } from "./kernelspec.ts";
export { stopSignal } from "./stop.ts";

keepOutputs();
