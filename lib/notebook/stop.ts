/**
 * Stop signal for training in notebooks, aborted by the Stop button.
 *
 * Jupyter can also stop a kernel by message. Deno's kernel then terminates the running JavaScript, and a cell that awaits
 * its promise never finishes: in 6 of 8 training loops the kernel was lost (Deno 2.9.6). Training that observes this signal
 * instead stops after a step, with a checkpoint.
 *
 * @module
 */
import { frontEnd } from "../progress/front_end.ts";
import { RUNNER_KEY } from "./job.ts";

let controller = new AbortController();
let listens = false;

/**
 * Returns a signal that is aborted by the next click on Stop. Pass it to `train({ …, signal: stopSignal() })`. Training then stops
 * after the current step, the model keeps its weights, and the last event contains a checkpoint. Outside of notebooks, the
 * signal is never aborted.
 */
export function stopSignal(): AbortSignal {
  const isKernel = frontEnd() !== undefined && !(Symbol.for(RUNNER_KEY) in globalThis);
  if (isKernel && !listens) {
    Deno.addSignalListener("SIGINT", () => {
      controller.abort(new DOMException("Stopped", "AbortError"));
      controller = new AbortController();
    });
    listens = true;
  }
  return controller.signal;
}
