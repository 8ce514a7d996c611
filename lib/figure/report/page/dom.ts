/**
 * Access to the page's elements.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/** Returns all elements that match a selector. */
export function all<E extends Element = HTMLElement>(selector: string, root: ParentNode = document): E[] {
  return [...root.querySelectorAll<E>(selector)];
}

/** Returns the text of an element of the page by its id. */
export function textOf(id: string, root: Document = document): string {
  return root.getElementById(id)?.textContent ?? "";
}
