/**
 * `deno task test:tfjs`: TF.js's own suite (it ships in its npm package) against our backend, in a child process.
 */
import { build, stop } from "esbuild";
import { join } from "node:path";
import { IGNORED } from "./ignored.ts";
import type { SuiteResult } from "./suite.ts";

const CORE = "@tensorflow/tfjs-core/dist";

/** The specs are modules without file endings, as bundlers read them: they become one file. */
async function bundleSpecs(into: string): Promise<string> {
  const entry = `
    import "${CORE}/public/chained_ops/register_all_chained_ops";
    import "${CORE}/register_all_gradients";
    export { setTestEnvs } from "${CORE}/jasmine_util";
    export const declareSpecs = () => import("${CORE}/tests");`;
  const outfile = join(into, "specs.mjs");
  const core = new URL(import.meta.resolve("@tensorflow/tfjs-core/package.json")).pathname.replace(
    /\/package\.json$/,
    "",
  );
  try {
    await build({
      stdin: { contents: entry, resolveDir: into },
      bundle: true,
      format: "esm",
      platform: "node",
      outfile,
      external: ["node-fetch"],
      // The package calls its specs free of side effects, and they would be left out.
      ignoreAnnotations: true,
      logLevel: "error",
      alias: { "@tensorflow/tfjs-core": core },
      plugins: [{
        name: "npm packages of the core",
        setup(builder) {
          builder.onResolve({ filter: /^(seedrandom|long|jasmine-core\/.*)$/ }, ({ path }) => ({
            path: new URL(import.meta.resolve(path)).pathname,
          }));
        },
      }],
      banner: {
        js: 'import { createRequire } from "node:module"; const require = createRequire(import.meta.url);',
      },
    });
  } finally {
    await stop();
  }
  return outfile;
}

/** Parts of names that the official addon's runner passes over, read from its package. */
async function officialIgnoreList(): Promise<string[]> {
  const source = await Deno.readTextFile(
    new URL(import.meta.resolve("@tensorflow/tfjs-node-gpu/dist/run_tests.js")),
  );
  const list = /IGNORE_LIST = \[([\s\S]*?)\n\];/.exec(source)?.[1];
  if (list === undefined) {
    throw new Error("Cannot read the official ignore list: tfjs-node-gpu's run_tests.js has none");
  }
  return [...list.matchAll(/^\s*'((?:[^'\\]|\\.)*)',?\s*$/gm)].map(([, name]) =>
    name!.replaceAll("\\'", "'")
  );
}

/** Runs the suite. */
export async function runTfjsSuite(): Promise<SuiteResult> {
  const folder = await Deno.makeTempDir();
  try {
    const ignored = [...await officialIgnoreList(), ...Object.keys(IGNORED)];
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...[
          "run",
          "-A",
          "--no-check",
          "--quiet",
          `--config=${new URL("../../deno.json", import.meta.url).pathname}`,
        ],
        ...[new URL("./suite.ts", import.meta.url).href, await bundleSpecs(folder), JSON.stringify(ignored)],
      ],
      stdin: "null",
    }).output();
    const last = new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1) ?? "";
    if (code !== 0 || !last.startsWith("{")) {
      throw new Error(
        `TF.js's suite ended with status ${code}:\n${new TextDecoder().decode(stderr).slice(-4000)}`,
      );
    }
    return JSON.parse(last);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

if (import.meta.main) {
  const { passed, failed, skipped } = await runTfjsSuite();
  for (const [name, message] of failed) console.log(`FAILED ${name}: ${message}`);
  for (const [name, reason] of Object.entries(IGNORED)) console.log(`passed over: ${name}: ${reason}`);
  console.log(`${passed} passed, ${failed.length} failed, ${skipped} skipped`);
  Deno.exit(failed.length > 0 || passed === 0 ? 1 : 0);
}
