/**
 * Output in notebooks, including output that is redrawn.
 *
 * @module
 */
import { frontEnd } from "../progress/front_end.ts";
import type { Bundle } from "./_bundle.ts";

/** Shows a MIME bundle in the notebook. Outside of notebooks, prints the text of the bundle. */
export async function display(data: Bundle): Promise<void> {
  await send("display_data", data, {});
}

/** Number of displays so far. A counter gives the same IDs in every run. */
let displays = 0;

/** Output that can be replaced. Outside of notebooks, only the text of the last bundle is printed. */
export class LiveDisplay {
  readonly #id = `losskit-live-${++displays}`;
  #begun = false;

  /** Shows a MIME bundle in place of the previous bundle. Has no effect outside of notebooks. */
  async draw(data: Bundle): Promise<void> {
    if (frontEnd() === undefined) return;
    const type = this.#begun ? "update_display_data" : "display_data";
    this.#begun = true;
    await send(type, data, { display_id: this.#id });
  }

  /** Shows the last bundle. Outside of notebooks, prints its text. */
  async finish(data: Bundle): Promise<void> {
    return frontEnd() === undefined ? await display(data) : await this.draw(data);
  }
}

async function send(type: string, data: Bundle, transient: { display_id?: string }): Promise<void> {
  const notebook = frontEnd();
  if (notebook === undefined) return console.log(data["text/plain"]);
  await notebook.broadcast(type, { data, metadata: {}, transient });
}
