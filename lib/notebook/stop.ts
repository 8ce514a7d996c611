/**
 * The Stop button of a notebook, as a signal that training watches.
 *
 * Jupyter can also ask a kernel by message to stop. Deno's then ends the JavaScript that runs just then, and a cell that
 * waits for a promise of that JavaScript waits for ever: of 8 training loops so stopped, 6 took the kernel with them
 * (Deno 2.9.6). A signal that the loop itself looks at ends it where it can be ended, with its checkpoint.
 *
 * @module
 */
import { frontEnd } from "../progress/front_end.ts";
import { RUNNER_KEY } from "./job.ts";

let controller = new AbortController();
let listens = false;

/**
 * A signal that is aborted at the next Stop: for `train({ …, signal: stopSignal() })`, which then ends after the step that
 * it is at, with a checkpoint. Where no front end can stop anything it is never aborted.
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
