#!/usr/bin/env node
/**
 * `npx losskit COMMAND`: runs `lib/cli/main.ts` with the Deno of the npm package `deno`. This file runs in Node.
 */
import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import { constants } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../", import.meta.url));
const deno = createRequire(import.meta.url)("deno/install_api.cjs").runInstall();
const args = ["run", "-A", "--no-prompt", "--no-check", "--quiet", "--config", join(root, "deno.json")];
const child = spawn(deno, [...args, join(root, "lib", "cli", "main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, LOSSKIT_COMMAND: "npx losskit", DENO_NO_UPDATE_CHECK: "1" },
});
// A terminal sends Ctrl-C to both processes. The child saves its work, and this process waits for its exit status.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => child.kill(signal));
child.on("error", ({ message }) => {
  console.error(`Cannot start Deno: ${message}. Install losskit again: npm install @losskit/losskit`);
  process.exitCode = 1;
});
child.on("exit", (code, signal) => {
  process.exitCode = code ?? 128 + constants.signals[signal];
});
