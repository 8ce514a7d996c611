/**
 * Updates a served page whenever its server announces a change of the runs.
 *
 * @module
 */
/// <reference lib="dom" />
/// <reference lib="dom.iterable" />

/**
 * Subscribes to the server's changes, if the page is served. After a lost connection the browser reconnects, and the server
 * announces the last change again.
 *
 * @param hooks `before` runs before the page's content is replaced, `after` runs afterwards.
 */
export function follow({ before, after }: { before: () => void; after: () => Promise<void> }): void {
  if (!document.body.dataset["version"]) return;
  const status = document.getElementById("live");
  const say = (text: string): void => {
    if (status !== null) status.textContent = text;
  };
  const events = new EventSource("events");
  events.onopen = () => say("live");
  events.onerror = () => say("connection lost, reconnecting");
  events.addEventListener("end", () => {
    events.close();
    say("the sweep has ended");
  });
  events.onmessage = async ({ data: version }: MessageEvent<string>) => {
    if (version === document.body.dataset["version"]) return;
    const text = await (await fetch("./")).text();
    const page = new DOMParser().parseFromString(text, "text/html");
    const content = page.querySelector("main"), data = page.getElementById("data");
    if (content === null || data === null) return;
    before();
    const { hash } = location;
    document.querySelector("main")?.replaceWith(document.adoptNode(content));
    document.getElementById("data")?.replaceWith(document.adoptNode(data));
    document.body.dataset["version"] = page.body.dataset["version"] ?? version;
    if (location.hash !== hash) history.replaceState(null, "", hash);
    await after();
  };
}
