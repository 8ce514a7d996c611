/**
 * `deno task test:tfjs`: runs the suites of TF.js (included in its npm package) and of tfjs-node-gpu on losskit's
 * backend, in child processes.
 */
import { build, stop } from "esbuild";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { command, runCommand } from "../../lib/cli/command.ts";
import { TEST_STATUSES } from "../run.ts";
import { IGNORED } from "./ignored.ts";
import type { SuiteResult } from "./specs.ts";

const CORE = "@tensorflow/tfjs-core/dist";

/** Bundles the specs into one file. They import modules without file extensions, as bundlers resolve them. */
async function bundleSpecs(into: string): Promise<string> {
  const entry = `
    import "${CORE}/public/chained_ops/register_all_chained_ops";
    import "${CORE}/register_all_gradients";
    export { setTestEnvs, TestKernelBackend } from "${CORE}/jasmine_util";
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
      // The package declares its specs free of side effects. Without this option, esbuild would drop them.
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

/** Returns the parts of spec names that the official addon's runner skips, read from its package. */
async function officialIgnoreList(): Promise<string[]> {
  const source = await Deno.readTextFile(
    new URL(import.meta.resolve("@tensorflow/tfjs-node-gpu/dist/run_tests.js")),
  );
  const list = /IGNORE_LIST = \[([\s\S]*?)\n\];/.exec(source)?.[1];
  if (list === undefined) {
    throw new Error(
      "Cannot read the official ignore list: expected one in tfjs-node-gpu's run_tests.js, got none.",
    );
  }
  return [...list.matchAll(/^\s*'((?:[^'\\]|\\.)*)',?\s*$/gm)].map(([, name]) =>
    name!.replaceAll("\\'", "'")
  );
}

/** tfjs-node-gpu's own spec files. */
const NODE_SPECS: readonly string[] = [
  "callbacks_test",
  "canvas_test",
  "image_test",
  "index_test",
  "int64_tensors_test",
  "io/file_system_test",
  "io/io_utils_test",
  "io/node_http_test",
  "nodejs_kernel_backend_test",
  "saved_model_test",
  "tensorboard_test",
  "tfjs_binding_test",
];

/** Runs one suite in its own process, so that a native abort fails only that suite. */
async function runInChild(script: string, args: string[], cwd: string): Promise<SuiteResult> {
  const { code, signal, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...[
        "run",
        "-A",
        "--no-check",
        "--quiet",
        `--config=${fileURLToPath(import.meta.resolve("../../deno.json"))}`,
      ],
      ...[import.meta.resolve(script), ...args],
    ],
    cwd,
    stdin: "null",
  }).output();
  const last = new TextDecoder().decode(stdout).trimEnd().split("\n").at(-1) ?? "";
  if (code === 0 && last.startsWith("{")) return JSON.parse(last);
  const reason = `exited with ${signal ?? `status ${code}`}:\n${
    new TextDecoder().decode(stderr).slice(-2000)
  }`;
  return { passed: 0, failed: [[`${script} ${args[0]}`, reason]], skipped: 0 };
}

/** Results of the specs of each package. */
export interface TfjsResults {
  core: SuiteResult;
  node: SuiteResult;
}

/**
 * Runs the specs of tfjs-core and of tfjs-node-gpu.
 *
 * @param only Part of a node spec file's name. Only matching files run. Default: everything.
 */
export async function runTfjsSuites(only?: string): Promise<TfjsResults> {
  const folder = await Deno.makeTempDir();
  try {
    const ignored = JSON.stringify([...await officialIgnoreList(), ...Object.keys(IGNORED)]);
    const bundle = await bundleSpecs(folder);
    const empty = (): SuiteResult => ({ passed: 0, failed: [], skipped: 0 });
    const results: TfjsResults = { core: empty(), node: empty() };
    if (only === undefined) results.core = await runInChild("./core_suite.ts", [bundle, ignored], folder);
    // The specs also read files in `test_objects` that the package lacks, and the package's `package.json`.
    await Deno.symlink(
      fileURLToPath(import.meta.resolve("../fixtures/tfjs_objects")),
      join(folder, "test_objects"),
    );
    await Deno.writeTextFile(join(folder, "package.json"), "{}");
    for (const file of NODE_SPECS.filter((name) => name.includes(only ?? ""))) {
      const { passed, failed, skipped } = await runInChild(
        "./node_suite.ts",
        [file, bundle, ignored],
        folder,
      );
      results.node.passed += passed;
      results.node.failed.push(...failed);
      results.node.skipped += skipped;
    }
    return results;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the suites, and prints failures, skipped tests and counts. */
async function main(filter: string | undefined): Promise<void> {
  const { core, node } = await runTfjsSuites(filter);
  for (const [name, message] of [...core.failed, ...node.failed]) console.log(`FAILED ${name}: ${message}`);
  for (const [name, reason] of Object.entries(IGNORED)) console.log(`skipped: ${name}: ${reason}`);
  for (const [name, { passed, failed, skipped }] of [["tfjs-core", core], ["tfjs-node-gpu", node]] as const) {
    console.log(`${name}: ${passed} passed, ${failed.length} failed, ${skipped} skipped`);
  }
  const failed = core.failed.length + node.failed.length;
  Deno.exit(failed > 0 || core.passed + node.passed === 0 ? 1 : 0);
}

const program = command(
  "test:tfjs",
  "Run the test suites of TF.js and tfjs-node-gpu on losskit's backend.",
  TEST_STATUSES,
)
  .argument(
    "[filter]",
    "runs only spec files of tfjs-node-gpu with this text in their names (default: all suites)",
  )
  .action(main);

if (import.meta.main) await runCommand(program, Deno.args);
