/**
 * Thread that prints a note about a call of users' code that has not returned, also while the main thread is busy with it.
 *
 * @module
 */

/** Time until the first note and between notes, in milliseconds. */
const every = Number(self.name);
let timer: ReturnType<typeof setInterval> | undefined;

self.addEventListener("message", (event: Event) => {
  const { data: call } = event as MessageEvent<string | undefined>;
  clearInterval(timer);
  if (call === undefined) return;
  const begin = performance.now();
  timer = setInterval(() => {
    const seconds = Math.round((performance.now() - begin) / 1000);
    console.error(`waiting for ${seconds} s: ${call} has not returned. Press Ctrl-C to stop.`);
  }, every);
});
