/**
 * A thread that ends its process when the parent process has ended, even if user-written code never returns.
 *
 * @module
 */

/** Polling interval in milliseconds. */
const POLL_MS = 500;

const parent = Deno.ppid, grace = Number(self.name);
let gone = 0;
setInterval(() => {
  if (Deno.ppid === parent) return;
  gone += POLL_MS;
  if (gone > grace) Deno.kill(Deno.pid, "SIGKILL");
}, POLL_MS);
