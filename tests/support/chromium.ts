/**
 * A headless Chromium for tests of pages: found on the PATH, or installed from Debian where that is possible.
 *
 * @module
 */
import { type Browser, launch } from "puppeteer-core";
import { findProgram, installFromDebian } from "./debian.ts";

const NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/**
 * The path of a Chromium. Where there is none, and this is root on a machine with apt-get, it is installed.
 *
 * @returns Its path; undefined where none can be had.
 */
export async function findChromium(): Promise<string | undefined> {
  const find = () => NAMES.map(findProgram).find((path) => path !== undefined);
  if (find() === undefined) await installFromDebian(["chromium"]);
  return find();
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
