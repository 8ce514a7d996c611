/**
 * Bundles the report's page script, `lib/figure/report/page/`, into the module that the report embeds.
 *
 * @module
 */
import { build, stop } from "esbuild";

/** Entry point of the script. */
export const PAGE_SOURCE = "lib/figure/report/page/main.ts";

/** Generated module. */
export const PAGE_MODULE = "lib/figure/report/_page_script.ts";

/**
 * Bundles the page script into one classic script. Returns a module that contains the script as a string.
 *
 * The bundle is not minified, so that it is readable in a report. Its 12 KB are small compared with Plotly's 4.8 MB.
 */
export async function pageModule(): Promise<string> {
  try {
    const { outputFiles: [output] } = await build({
      entryPoints: [PAGE_SOURCE],
      bundle: true,
      format: "iife",
      legalComments: "none",
      logLevel: "silent",
      target: "es2022",
      write: false,
    });
    const script = output!.text.replaceAll(/\\|`|\$\{/g, (found) => `\\${found}`);
    return `// deno-fmt-ignore-file
/**
 * The report's script. Generated from \`page/\` by \`deno task build:page\`: edit the sources there.
 *
 * @module
 */

/** A classic script that contains no data of a run. */
export const SCRIPT: string = \`
${script}\`;
`;
  } finally {
    await stop();
  }
}

if (import.meta.main) await Deno.writeTextFile(PAGE_MODULE, await pageModule());
