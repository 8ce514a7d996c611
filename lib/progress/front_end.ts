/**
 * The front end of a notebook, in Deno's Jupyter kernel and in losskit's headless runner.
 *
 * @module
 */

/** A channel for Jupyter messages to a front end. */
export interface FrontEnd {
  /**
   * Sends a message of Jupyter's protocol.
   *
   * @param type Type of the message, such as `display_data`.
   * @param content Content of the message.
   * @returns A promise that resolves when the message is sent. Undefined if the message is sent immediately.
   */
  broadcast(type: string, content: Record<string, unknown>): Promise<void> | void;
}

/** Returns the front end of the notebook in which this process runs. Returns undefined outside a notebook. */
export function frontEnd(): FrontEnd | undefined {
  try {
    return (Deno as unknown as { jupyter?: FrontEnd }).jupyter;
  } catch {
    return undefined; // outside a kernel, Deno throws
  }
}

/** Shortest time between two redraws in a notebook, in milliseconds. */
export const NOTEBOOK_REDRAW = 250;

/** Number of displays created so far. The number is a display's ID, so that the ID is the same in every run. */
let displays = 0;

/** Text in a notebook's output that is updated in place. */
export interface NotebookDisplay {
  /** Replaces the shown text. */
  draw(text: string): void;
  /** Writes a separate line. */
  log(line: string): void;
}

/** Starts a display in a notebook's output. Closing the notebook causes no error. */
export function notebookDisplay(notebook: FrontEnd): NotebookDisplay {
  const transient = { display_id: `losskit-progress-${++displays}` };
  let begun = false;
  const send = async (type: string, content: Record<string, unknown>): Promise<void> => {
    try {
      await notebook.broadcast(type, content);
    } catch {
      // The front end may be closed: a progress display must not fail the run.
    }
  };
  return {
    draw(text) {
      send(begun ? "update_display_data" : "display_data", {
        data: { "text/plain": text },
        metadata: {},
        transient,
      });
      begun = true;
    },
    log: (line) => void send("stream", { name: "stdout", text: `${line}\n` }),
  };
}
