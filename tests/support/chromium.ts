/**
 * Headless Chromium for tests of pages: found on the PATH, or installed from Debian if possible.
 *
 * @module
 */
import { type Browser, launch } from "puppeteer-core";
import { findProgram, installFromDebian } from "./debian.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * Returns the path of a Chromium. If none is installed, installs it; this requires root and apt-get.
 *
 * @returns Path; undefined if Chromium cannot be installed.
 */
export async function findChromium(): Promise<string | undefined> {
  const find = () => NAMES.map(findProgram).find((path) => path !== undefined);
  if (find() === undefined) await installFromDebian(["chromium"]);
  return find();
}

/** Starts Chromium without network requests of its own, and with a temporary profile. */
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
