/**
 * The notebook's front end, where there is one: in Deno's Jupyter kernel and in losskit's headless runner.
 *
 * @module
 */

/** Sends messages to a front end, as the kernel does. */
export interface FrontEnd {
  /**
   * Sends a message of Jupyter's protocol, such as `display_data` with its content. The kernel's own returns no promise
   * where the message is gone at once.
   */
  broadcast(type: string, content: Record<string, unknown>): Promise<void> | void;
}

/** The front end; undefined outside of a notebook. */
export function frontEnd(): FrontEnd | undefined {
  try {
    return (Deno as unknown as { jupyter?: FrontEnd }).jupyter;
  } catch {
    return undefined; // outside of a kernel Deno throws
  }
}

/** Shortest time between two redraws in a notebook, in milliseconds. */
export const NOTEBOOK_REDRAW = 250;

/** How many displays a notebook has had: each has an id, the same in every run. */
let displays = 0;

/** Text in a notebook's output that is written over. */
export interface NotebookDisplay {
  /** Shows text in place of what it showed before. */
  draw(text: string): void;
  /** Writes a line of its own. */
  log(line: string): void;
}

/** Starts a display in a notebook's output. It never throws where the front end has gone. */
export function notebookDisplay(notebook: FrontEnd): NotebookDisplay {
  const transient = { display_id: `losskit-progress-${++displays}` };
  let begun = false;
  const send = async (type: string, content: Record<string, unknown>): Promise<void> => {
    try {
      await notebook.broadcast(type, content);
    } catch {
      // The front end may have gone: progress is no reason to fail.
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
