/**
 * Commands of losskit as a user types them, such as `deno task sweep` in a checkout.
 *
 * @module
 */

/** True if losskit runs from a checkout: from files, and not from a package in `node_modules`. */
const IN_CHECKOUT = import.meta.url.startsWith("file:") && !import.meta.url.includes("/node_modules/");

let prefix = IN_CHECKOUT ? "deno task" : "npx losskit";

/**
 * Sets the words that precede a command's name. By default, they are `deno task` in a checkout and `npx losskit`
 * otherwise.
 */
export function setCommandPrefix(words: string): void {
  prefix = words;
}

/** Returns a command as a user types it, such as `deno task sweep`. */
export function typedCommand(name: string): string {
  return `${prefix} ${name}`;
}
