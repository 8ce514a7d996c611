/**
 * A stand-in for `Deno.jupyter`, which Deno has in its kernel alone: the same functions, into an {@linkcode OutputStore}.
 *
 * @module
 */
import { shortText } from "./_short_text.ts";
import type { DisplayContent, MimeBundle, OutputStore } from "./outputs.ts";

/** The symbol of a method that gives an object's data by MIME type; it may be asynchronous. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;

/** How `display` shows. */
export interface DisplayOptions {
  /** Whether what is given is data by MIME type already. Default: no. */
  readonly raw?: boolean;
  /** Whether it takes the place of what has this `display_id`. Default: no. */
  readonly update?: boolean;
  /** Under which it can be updated. */
  readonly display_id?: string;
}

/** What a cell can show by itself. */
export interface Displayable {
  /** Its data by MIME type. */
  [DISPLAY](): MimeBundle | Promise<MimeBundle>;
}

/** The functions that a cell has as `Deno.jupyter`. */
export interface JupyterStandIn {
  /** {@linkcode DISPLAY}. */
  readonly $display: typeof DISPLAY;
  /** Sends a message as the kernel does. */
  broadcast(type: string, content: Record<string, unknown>, extra?: unknown): Promise<void>;
  /** Shows an object. */
  display(object: unknown, options?: DisplayOptions): Promise<void>;
  /** An object's data by MIME type. */
  format(object: unknown): Promise<MimeBundle>;
  /** HTML by a template. */
  html(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
  /** Markdown by a template. */
  md(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
  /** SVG by a template. */
  svg(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
  /** A PNG or JPEG, by its path or bytes. */
  image(source: string | Uint8Array): Displayable;
}

/**
 * Makes the functions.
 *
 * @param store Where outputs go.
 * @param currentCell The index of the cell that the running code belongs to.
 */
export function createStandIn(store: OutputStore, currentCell: () => number): JupyterStandIn {
  // deno-lint-ignore require-await -- the kernel's own is asynchronous, and an error must be a rejection
  const broadcast = async (type: string, content: Record<string, unknown>): Promise<void> => {
    if (type === "stream") {
      return store.stream(currentCell(), String(content["name"]), String(content["text"]));
    }
    if (type === "display_data") return store.display(currentCell(), contentOf(content));
    if (type === "update_display_data") return store.update(contentOf(content));
    if (type === "clear_output") return store.clear(currentCell(), content["wait"] === true);
    throw new Error(
      `Cannot send a message of the type ${
        JSON.stringify(type)
      } without a front end: wanted stream, display_data, ` +
        "update_display_data or clear_output",
    );
  };
  const templated = (mime: string) => (strings: TemplateStringsArray, ...values: unknown[]): Displayable => ({
    [DISPLAY]: () => ({ [mime]: String.raw({ raw: strings }, ...values) }),
  });
  return {
    $display: DISPLAY,
    broadcast,
    async display(object, { raw = false, update = false, display_id } = {}) {
      const data = raw ? object : await format(object);
      const transient = display_id === undefined ? {} : { display_id };
      await broadcast(update ? "update_display_data" : "display_data", { data, metadata: {}, transient });
    },
    format,
    html: templated("text/html"),
    md: templated("text/markdown"),
    svg: templated("image/svg+xml"),
    image(source) {
      const bytes = typeof source === "string" ? Deno.readFileSync(source) : source;
      const mime = imageType(bytes);
      if (mime === undefined) throw new TypeError("Cannot show the image: wanted a PNG or a JPEG");
      return { [DISPLAY]: () => ({ [mime]: bytes.toBase64() }) };
    },
  };
}

/** Returns an object's data by MIME type: its own, or its text, shortened. */
export async function format(object: unknown): Promise<MimeBundle> {
  if (typeof object === "object" && object !== null || typeof object === "function") {
    const own = (object as Partial<Displayable>)[DISPLAY];
    if (typeof own === "function") return bundleOf(await own.call(object as Displayable));
  }
  if (object instanceof Uint8Array) {
    const mime = imageType(object);
    if (mime !== undefined) return { [mime]: object.toBase64() };
  }
  return { "text/plain": shortText(object) };
}

function contentOf({ data, metadata, transient }: Record<string, unknown>): DisplayContent {
  return {
    data: bundleOf(data),
    metadata: (metadata ?? {}) as Record<string, unknown>,
    transient: (transient ?? {}) as { display_id?: string },
  };
}

/** Checks data for a display, and takes a copy: what changes later was shown as it was. */
function bundleOf(data: unknown): MimeBundle {
  const isBundle = typeof data === "object" && data !== null && !Array.isArray(data) &&
    Object.keys(data).every((mime) => /^[\w.+-]+\/[\w.+-]+$/.test(mime));
  if (!isBundle) {
    throw new TypeError(`Cannot show it: wanted data by MIME type: given ${Deno.inspect(data)}`);
  }
  return JSON.parse(JSON.stringify(data));
}

function imageType(bytes: Uint8Array): string | undefined {
  const begins = (...head: number[]) => head.every((byte, i) => bytes[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47)) return "image/png";
  return begins(0xff, 0xd8, 0xff) ? "image/jpeg" : undefined;
}
