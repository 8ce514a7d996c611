/**
 * Updates a served page whenever its server announces a change of the runs. What did not change stays as it is: forms in
 * use, focus, scroll positions, opened details and drawn figures.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />
import { all } from "./dom.ts";

/** Parts of the page by heading or id, as served. The script changes parts after it has read them. */
let served: ReadonlyMap<string, string> = new Map();

/** Steps of an update. */
interface Hooks {
  /** Runs with the new parts of the page, before they are shown. */
  readonly before: (parts: readonly Element[]) => void;
  /** Runs once the new parts are shown. */
  readonly after: () => Promise<void>;
}

/**
 * Subscribes to the server's changes, if the page is served. After a lost connection the browser reconnects, and the server
 * announces the last change again. Changes during an update are joined into one more update.
 */
export function follow(hooks: Hooks): void {
  if (!document.body.dataset["version"]) return;
  const status = document.getElementById("live");
  const say = (text: string): void => {
    if (status !== null) status.textContent = text;
  };
  const events = new EventSource("events");
  let announced: string | undefined, isUpdating = false;
  events.onopen = () => say("live");
  events.onerror = () => say("connection lost, reconnecting");
  events.addEventListener("end", () => {
    events.close();
    say("the sweep has ended");
  });
  events.onmessage = async ({ data: version }: MessageEvent<string>) => {
    announced = version;
    if (isUpdating) return;
    isUpdating = true;
    while (announced !== undefined && announced !== document.body.dataset["version"]) {
      announced = undefined;
      await update(hooks);
    }
    isUpdating = false;
  };
}

/** Remembers the parts of the page before the script changes them. */
export function rememberServed(main: Element | null = document.querySelector("main")): void {
  served = new Map([...main?.children ?? []].map((part, i) => [keyOf(part, i), part.outerHTML]));
}

async function update({ before, after }: Hooks): Promise<void> {
  // A server that cannot answer announces its version again once it can.
  const response = await fetch("./").catch(() => undefined);
  if (response?.ok !== true) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.querySelector("main"), main = document.querySelector("main");
  const data = page.getElementById("data");
  if (content === null || main === null || data === null) return;
  const restore = kept(main), focused = finderOf(document.activeElement), { hash } = location;
  const parts = [...content.children].map((part) => document.adoptNode(part));
  const old = new Map([...main.children].map((part, i) => [keyOf(part, i), part]));
  const html = new Map(parts.map((part, i) => [keyOf(part, i), part.outerHTML]));
  const next = parts.map((part, i) => {
    const key = keyOf(part, i), before = old.get(key);
    return before !== undefined && served.get(key) === html.get(key) ? before : part;
  });
  before(next.filter((part) => parts.includes(part)));
  for (const part of old.values()) if (!next.includes(part)) part.remove();
  // A part that moves loses the focus and the pointer, so that parts in place are not touched.
  let place: Element | null = main.firstElementChild;
  for (const part of next) {
    if (part === place) place = place.nextElementSibling;
    else main.insertBefore(part, place);
  }
  served = html;
  document.getElementById("data")?.replaceWith(document.adoptNode(data));
  document.body.dataset["version"] = page.body.dataset["version"] ?? "";
  if (location.hash !== hash) history.replaceState(null, "", hash);
  restore();
  await after();
  // The script has built the details of a run again.
  if (document.activeElement === document.body) focused()?.focus({ preventScroll: true });
}

/** Returns the key of a part of the page: its id, its heading, or its place. */
function keyOf(part: Element, index: number): string {
  return part.id || part.querySelector("h2")?.textContent || `${part.tagName} ${index}`;
}

/** Returns a function that restores the focus, the scroll positions and the opened details of the page. */
function kept(main: HTMLElement): () => void {
  const focused = document.activeElement, find = finderOf(focused);
  const opened = all<HTMLDetailsElement>("details[open]", main).map(headingOf);
  const scrolled = all(".scroll", main).map(({ ariaLabel, scrollLeft, scrollTop }) =>
    [ariaLabel, scrollLeft, scrollTop] as const
  );
  const anchor = [...main.children].findLast((part) => part.getBoundingClientRect().top <= 0);
  const key = anchor && headingOf(anchor), top = anchor?.getBoundingClientRect().top ?? 0;
  return () => {
    for (const details of all<HTMLDetailsElement>("details", main)) {
      if (opened.includes(headingOf(details))) details.open = true;
    }
    for (const [label, left, top] of scrolled) {
      const region = all(".scroll", main).find(({ ariaLabel }) => ariaLabel === label);
      if (region !== undefined) Object.assign(region, { scrollLeft: left, scrollTop: top });
    }
    const same = anchor?.isConnected ? anchor : [...main.children].find((part) => headingOf(part) === key);
    if (same !== undefined && key !== undefined) scrollBy(0, same.getBoundingClientRect().top - top);
    if (document.activeElement !== focused) find()?.focus({ preventScroll: true });
  };
}

const headingOf = (element: Element): string =>
  (element.closest("section") ?? element).querySelector("h2")?.textContent ?? element.tagName;

/** Returns a function that finds an element again: itself, or the element in the same place of the new page. */
function finderOf(element: Element | null): () => HTMLElement | undefined {
  if (!(element instanceof HTMLElement) || element.closest("main") === null) return () => undefined;
  const row = element.closest<HTMLElement>("tr[data-run]"), id = row?.dataset["run"];
  const selector = element.tagName + [...element.classList].map((name) => `.${CSS.escape(name)}`).join("");
  const heading = headingOf(element), scope = (of: ParentNode) => all(selector, of);
  const index = scope(row ?? element.closest("section, form") ?? document).indexOf(element);
  const form = element.closest("form")?.id;
  return () => {
    if (element.isConnected) return element;
    const part = form === undefined
      ? all("section").find((section) => headingOf(section) === heading)
      : document.getElementById(form);
    const place = id === undefined ? part : part?.querySelector(`tr[data-run="${CSS.escape(id)}"]`);
    return place ? scope(place)[index] : undefined;
  };
}
