/**
 * A headless Chromium for tests of pages: found on the PATH, or installed from Debian where that is possible.
 *
 * @module
 */
import { type Browser, launch } from "puppeteer-core";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * The path of a Chromium. Where there is none, and this is root on a machine with apt-get, it is installed.
 *
 * @returns Its path; undefined where none can be had.
 */
export async function findChromium(): Promise<string | undefined> {
  const found = onPath();
  if (found !== undefined || Deno.build.os !== "linux" || Deno.uid() !== 0) return found;
  for (const args of [["update"], ["install", "-y", "--no-install-recommends", "chromium"]]) {
    try {
      const { success } = await new Deno.Command("apt-get", {
        args,
        env: { DEBIAN_FRONTEND: "noninteractive" },
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).output();
      if (!success) return undefined;
    } catch {
      return undefined; // no apt-get
    }
  }
  return onPath();
}

function onPath(): string | undefined {
  for (const name of NAMES) {
    for (const folder of (Deno.env.get("PATH") ?? "").split(":")) {
      const path = `${folder}/${name}`;
      try {
        if (folder !== "" && Deno.statSync(path).isFile) return path;
      } catch {
        // not here
      }
    }
  }
  return undefined;
}

/** Starts it, with nothing of its own to ask the network for; its profile is temporary. */
export async function launchChromium(executablePath: string): Promise<Browser> {
  return await launch({
    executablePath,
    headless: true,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-dev-shm-usage",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      "--no-first-run",
    ],
  });
}
