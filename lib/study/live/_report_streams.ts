/**
 * Response streams of `report --watch`, with limits on their number and memory.
 *
 * @module
 */

/** Maximum numbers of open page responses and of open event streams. */
export const MOST_PAGES = 16, MOST_EVENTS = 32;

/** Time in milliseconds after which the server closes the connection of a reader that accepts no data. */
export const STALLED = 5000;

/** Bytes per chunk. */
const PIECE = 1 << 16;

/** Number of unread messages at which an event stream is dropped. */
const UNREAD = 16;

/** Error that ends the response to a reader that accepted no data for too long. */
export class Stalled extends Error {}

/** Open page responses. All readers share the bytes of a page. Each response buffers at most one chunk. */
export class PageStreams {
  #open = 0;

  /** Opens a stream of a page's bytes. Returns undefined if too many streams are open. */
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
          controller.error(new Stalled("the reader stalled"));
        }, STALLED);
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }
}

/** Open event streams. */
export class EventStreams {
  readonly #signal: AbortSignal;
  readonly #open = new Map<(text: string) => void, () => void>();

  /** Creates an empty collection of streams. All streams close when the signal aborts. */
  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#open.forEach((close) => close()), { once: true });
  }

  /** Sends a message to every reader. */
  tell(text: string): void {
    for (const send of [...this.#open.keys()]) send(text);
  }

  /** Opens a stream whose first message is given. Returns undefined if too many streams are open. */
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
