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
