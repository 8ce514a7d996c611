/**
 * Displays in a notebook's output that can be redrawn.
 *
 * @module
 */
import { frontEnd } from "../progress/front_end.ts";
import type { Bundle } from "./_bundle.ts";

/** Shows data in the notebook. Outside of notebooks, prints its text. */
export async function display(data: Bundle): Promise<void> {
  await send("display_data", data, {});
}

/** Number of displays so far. A counter gives the same IDs in every run. */
let displays = 0;

/** Display whose data can be replaced. Outside of notebooks, only the last data is printed. */
export class LiveDisplay {
  readonly #id = `losskit-live-${++displays}`;
  #begun = false;

  /** Replaces the data shown. */
  async draw(data: Bundle): Promise<void> {
    if (frontEnd() === undefined) return;
    const type = this.#begun ? "update_display_data" : "display_data";
    this.#begun = true;
    await send(type, data, { display_id: this.#id });
  }

  /** Shows data for the last time. */
  async finish(data: Bundle): Promise<void> {
    return frontEnd() === undefined ? await display(data) : await this.draw(data);
  }
}

async function send(type: string, data: Bundle, transient: { display_id?: string }): Promise<void> {
  const notebook = frontEnd();
  if (notebook === undefined) return console.log(data["text/plain"]);
  await notebook.broadcast(type, { data, metadata: {}, transient });
}
