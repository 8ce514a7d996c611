/**
 * A notebook's front end that records all messages.
 *
 * @module
 */
import type { FrontEnd } from "../../lib/progress/front_end.ts";

/** Records the type, the display and the text of each message. */
export class RecordingFrontEnd implements FrontEnd {
  /** Recorded messages. */
  readonly sent: [type: string, display: string | undefined, text: unknown][] = [];
  /** True if the front end is closed. Every message then fails. */
  gone = false;

  broadcast(type: string, content: Record<string, unknown>): Promise<void> {
    if (this.gone) return Promise.reject(new Error("gone"));
    const { data, transient, text } = content as Record<string, Record<string, string>>;
    this.sent.push([type, transient?.["display_id"], data?.["text/plain"] ?? text]);
    return Promise.resolve();
  }
}
