/**
 * Stop signal for training in notebooks, aborted by the Stop button.
 *
 * Jupyter can also interrupt a kernel by message. Deno's kernel then terminates the running JavaScript, and a cell that
 * awaits a promise never finishes. In 6 of 8 training loops, the kernel was lost (Deno 2.9.6). Training that observes
 * this signal stops after a step instead, with a checkpoint.
 *
 * @module
 */
import { frontEnd } from "../progress/front_end.ts";
import { RUNNER_KEY } from "./job.ts";

let controller = new AbortController();
let listens = false;

/**
 * Returns a signal that aborts at the next click on the Stop button. Usage: `train({ …, signal: stopSignal() })`. After
 * a click, training stops after the current step, the model keeps its weights, and the last event contains a
 * checkpoint. Outside of notebooks, the signal never aborts.
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
