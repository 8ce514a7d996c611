/**
 * Answers of `report --watch` that are under way: bounded in number and memory, whatever their readers do.
 *
 * @module
 */

/** How many pages and how many streams of events are under way at most. */
export const MOST_PAGES = 16, MOST_EVENTS = 32;

/** A reader that takes nothing of its page for this long is dropped, in milliseconds. */
export const STALLED = 5000;

/** Bytes handed on at once. */
const PIECE = 1 << 16;

/** A stream of events with this many messages unread is dropped. */
const UNREAD = 16;

/** The end of an answer whose reader was dropped. */
export class Stalled extends Error {}

/** Pages under way. All readers of a page share its bytes; each holds one piece of them besides. */
export class PageStreams {
  #open = 0;

  /** Opens a stream of a page's bytes; undefined: too many are under way. */
  open(page: Uint8Array): ReadableStream<Uint8Array> | undefined {
    if (this.#open >= MOST_PAGES) return undefined;
    this.#open++;
    let at = 0, timer: ReturnType<typeof setTimeout> | undefined, ended = false;
    const end = () => {
      clearTimeout(timer);
      if (!ended) this.#open--;
      ended = true;
    };
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        clearTimeout(timer);
        if (at >= page.length) {
          end();
          return controller.close();
        }
        controller.enqueue(page.slice(at, at += PIECE));
        timer = setTimeout(() => {
          end();
          controller.error(new Stalled("the reader takes nothing"));
        }, STALLED);
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}

/** Streams of events under way. */
export class EventStreams {
  readonly #signal: AbortSignal;
  readonly #open = new Map<(text: string) => void, () => void>();

  /** Ends all streams when the signal is given. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#open.forEach((close) => close()), { once: true });
  }

  /** Sends a message to every reader. */
  tell(text: string): void {
    for (const send of [...this.#open.keys()]) send(text);
  }

  /** Opens a stream that begins with a message; undefined: too many are under way. */
  open(first: string): ReadableStream<Uint8Array> | undefined {
    if (this.#open.size >= MOST_EVENTS || this.#signal.aborted) return undefined;
    const encoder = new TextEncoder();
    let send: (text: string) => void;
    return new ReadableStream<Uint8Array>({
      start: (controller) => {
        const close = () => {
          if (this.#open.delete(send)) controller.close();
        };
        send = (text) => {
          if ((controller.desiredSize ?? 0) < -UNREAD) return close();
          controller.enqueue(encoder.encode(text));
        };
        this.#open.set(send, close);
        send(first);
      },
      cancel: () => void this.#open.delete(send),
    });
  }
}
