/**
 * Opens reports in Chromium.
 *
 * @module
 */
import type { Browser, Page } from "puppeteer-core";

/** Requests and messages of an open page. */
export interface Deeds {
  requests: string[];
  complaints: string[];
  dialogs: string[];
}

/** Opens a report, and draws all of its figures. */
export async function openReport(browser: Browser, url: string): Promise<{ page: Page; deeds: Deeds }> {
  const page = await browser.newPage();
  const deeds: Deeds = { requests: [], complaints: [], dialogs: [] };
  page.on("request", (request) => deeds.requests.push(request.url()));
  page.on("console", (message) => deeds.complaints.push(message.text()));
  page.on("pageerror", (error) => deeds.complaints.push(String(error)));
  page.on("dialog", async (dialog) => {
    deeds.dialogs.push(dialog.message());
    await dialog.dismiss();
  });
  await page.setViewport({ width: 1280, height: 900 });
  await page.goto(url);
  await showAll(page);
  return { page, deeds };
}

/** Scrolls to every figure, so that it is drawn, and back. */
export async function showAll(page: Page): Promise<void> {
  await page.evaluate(`(async () => {
    const drawn = (plot) => plot.closest("figure").hidden || plot.querySelector(".scatterlayer path");
    for (const plot of document.querySelectorAll(".plot[id]")) {
      plot.scrollIntoView();
      for (let tries = 0; !drawn(plot) && tries < 200; tries++) await new Promise((done) => setTimeout(done, 50));
      if (!drawn(plot)) throw new Error(plot.id + " is not drawn");
    }
    scrollTo(0, 0);
  })()`);
}
