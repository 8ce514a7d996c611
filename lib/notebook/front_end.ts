/**
 * Replacement of `Deno.jupyter` outside of Deno's kernel. Its functions write to an {@linkcode OutputStore}.
 *
 * @module
 */
import { shortText } from "./_short_text.ts";
import type { DisplayContent, MimeBundle, OutputStore } from "./outputs.ts";

/** Symbol `Jupyter.display`: key of the method with which an object defines its display. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display") as never;

/** Options of `display`. */
export interface DisplayOptions {
  /** True if the value is a MIME bundle: data by MIME type. Default: false. */
  readonly raw?: boolean;
  /** True to replace the output that was shown with the same `display_id`. Default: false. */
  readonly update?: boolean;
  /** ID of the output, with which later calls replace it. Default: none. */
  readonly display_id?: string;
}

/** Object that defines its own display. */
export interface Displayable {
  /** Returns the MIME bundle to show. */
  [DISPLAY](): MimeBundle | Promise<MimeBundle>;
}

/** Functions of `Deno.jupyter`, implemented by the headless runner. */
export interface JupyterStandIn {
  /** The symbol The symbol The symbol The symbol {@linkcode DISPLAY}. */
  readonly $display: typeof DISPLAY;
  /** Handles a message that the kernel would send to the front end, such as `display_data`. */
  broadcast(type: string, content: Record<string, unknown>, extra?: unknown): Promise<void>;
  /** Shows an object. */
  display(object: unknown, options?: DisplayOptions): Promise<void>;
  /** Returns the MIME bundle of an object. */
  format(object: unknown): Promise<MimeBundle>;
  /** Converts a template literal to an object that is shown as HTML. */
  html(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
  /** Converts a template literal to an object that is shown as Markdown. */
  md(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
  /** Converts a template literal to an object that is shown as SVG. */
  svg(strings: TemplateStringsArray, ...values: unknown[]): Displayable;
  /** Converts the path or the bytes of a PNG or JPEG file to an object that is shown as an image. */
  image(source: string | Uint8Array): Displayable;
}

/**
 * Creates the functions of `Deno.jupyter`.
 *
 * @param store Receives the outputs.
 * @param currentCell Returns the index of the cell that the running code belongs to.
 */
export function createStandIn(store: OutputStore, currentCell: () => number): JupyterStandIn {
  // deno-lint-ignore require-await -- asynchronous as in the kernel, so that errors are rejections
  const broadcast = async (type: string, content: Record<string, unknown>): Promise<void> => {
    if (type === "stream") {
      return store.stream(currentCell(), String(content["name"]), String(content["text"]));
    }
    if (type === "display_data") return store.display(currentCell(), contentOf(content));
    if (type === "update_display_data") return store.update(contentOf(content));
    if (type === "clear_output") return store.clear(currentCell(), content["wait"] === true);
    throw new Error(
      "Cannot send a message without a front end: expected the type stream, display_data, update_display_data or " +
        `clear_output, got ${JSON.stringify(type)}.`,
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
      if (mime === undefined) {
        throw new TypeError("Cannot show the image: expected a PNG or JPEG, got another format.");
      }
      return { [DISPLAY]: () => ({ [mime]: bytes.toBase64() }) };
    },
  };
}

/**
 * Returns the MIME bundle of an object. If the object does not define its display, the bundle is its shortened text.
 */
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

/** Validates data of a display, and copies it, so that later changes do not affect the output. */
function bundleOf(data: unknown): MimeBundle {
  const isBundle = typeof data === "object" && data !== null && !Array.isArray(data) &&
    Object.keys(data).every((mime) => /^[\w.+-]+\/[\w.+-]+$/.test(mime));
  if (!isBundle) {
    throw new TypeError(`Cannot show the value: expected data by MIME type, got ${Deno.inspect(data)}.`);
  }
  return JSON.parse(JSON.stringify(data));
}

function imageType(bytes: Uint8Array): string | undefined {
  const begins = (...head: number[]) => head.every((byte, i) => bytes[i] === byte);
  if (begins(0x89, 0x50, 0x4e, 0x47)) return "image/png";
  return begins(0xff, 0xd8, 0xff) ? "image/jpeg" : undefined;
}
