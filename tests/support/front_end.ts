/**
 * A notebook's front end that keeps what is sent to it.
 *
 * @module
 */
import type { FrontEnd } from "../../lib/progress/front_end.ts";

/** Keeps the type of each message, the display that it is for, and its text. */
export class RecordingFrontEnd implements FrontEnd {
  /** What was sent. */
  readonly sent: [type: string, display: string | undefined, text: unknown][] = [];
  /** Whether it has gone: every message fails then. */
  gone = false;

  broadcast(type: string, content: Record<string, unknown>): Promise<void> {
    if (this.gone) return Promise.reject(new Error("gone"));
    const { data, transient, text } = content as Record<string, Record<string, string>>;
    this.sent.push([type, transient?.["display_id"], data?.["text/plain"] ?? text]);
    return Promise.resolve();
  }
}
