/**
 * Plotly's bundle, minified once by esbuild, for embedding in a page.
 *
 * @module
 */
import { join } from "node:path";
// Importing a small file makes Deno download the package, so that its path can be resolved.
import plotly from "plotly.js-dist/package.json" with { type: "json" };
import { UserError } from "../../error/user_error.ts";
import { type CachedFile, cacheDir, ensureFolder } from "../../fetch/cache.ts";

/** Version of Plotly. */
export const PLOTLY_VERSION: string = plotly.version;

const FILE = "plotly.min.js";

/** Minified bundle of the pinned versions of plotly.js-dist and esbuild. */
const MINIFIED: CachedFile = {
  sha256: "27dcf643142520f343dd2302265e3e96b63ebf1a7da223d8abff6354ab46bc70",
  bytes: 4_838_456,
};

/**
 * Returns the text of the minified bundle, escaped for a script element. The first call minifies plotly.js-dist with
 * esbuild (6 s), and stores the result in the user's cache. Without a writable cache, each call minifies the bundle.
 */
export async function plotlySource(): Promise<string> {
  // These sequences occur only in JavaScript strings, where the backslash has no effect. HTML parsers turn \r into \n.
  return (await minified()).replaceAll(/<(?=\/script|!--|script)/gi, "\\x3c").replaceAll(/\r\n?/g, "\n");
}

async function minified(): Promise<string> {
  const path = join(cacheDir(), `plotly.js-dist-${PLOTLY_VERSION}-${MINIFIED.sha256.slice(0, 12)}`);
  try {
    await ensureFolder({
      path,
      files: { [FILE]: MINIFIED },
      build: async (into) => await Deno.writeTextFile(join(into, FILE), await minify()),
      warn: (line) => console.error(line),
    });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return await minify();
  }
  return await Deno.readTextFile(join(path, FILE));
}

/** Minifies the bundle. esbuild's WebAssembly build starts no program, which `report` is not allowed to do. */
async function minify(): Promise<string> {
  const { initialize, stop, transform } = await import("esbuild-wasm/esm/browser.min.js");
  await initialize({
    wasmModule: await WebAssembly.compile(
      await Deno.readFile(new URL(import.meta.resolve("esbuild-wasm/esbuild.wasm"))),
    ),
    worker: false,
  });
  try {
    const source = await Deno.readTextFile(new URL(import.meta.resolve("plotly.js-dist/plotly.js")));
    const [license = ""] = /^\/\*\*[^]*?\*\//.exec(source) ?? []; // esbuild removes it
    const { code } = await transform(source, { minify: true, target: "es2022" });
    return `${license}\n${code}`;
  } finally {
    await stop();
  }
}
