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

/** Appends children, any number of them. */
export function appendAll(parent: Node, children: readonly (Node | string)[]): void {
  const fragment = document.createDocumentFragment();
  for (const child of children) fragment.append(child);
  parent.appendChild(fragment);
}

/** Creates an element with text or children. Text stays text: nothing here parses HTML. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  content: string | readonly (Node | string)[] = [],
  attributes: Readonly<Record<string, string>> = {},
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  appendAll(element, typeof content === "string" ? [content] : content);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

/** Returns a table of a header row and rows of text. The first cell of a row is its header. */
export function tableOf(header: readonly string[], rows: readonly (readonly string[])[]): HTMLTableElement {
  const head = make("tr", header.map((text) => make("th", text, { scope: "col" })));
  const body = rows.map(([name = "", ...cells]) =>
    make("tr", [make("th", name, { scope: "row" }), ...cells.map((text) => make("td", text))])
  );
  return make("table", [...header.length === 0 ? [] : [make("thead", [head])], make("tbody", body)], {
    class: "machine",
  });
}
