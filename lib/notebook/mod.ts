/**
 * What notebooks need: display, and the kernel that runs them.
 *
 * @module
 */
export { settle, showFigure, showTable } from "./display.ts";
export { createProgress, formatBytes } from "../progress/progress.ts";
export { jupyterDataDir, KERNEL_NAME, writeKernelspec } from "./kernelspec.ts";
export { stopSignal } from "./stop.ts";
