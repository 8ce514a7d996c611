/** The command `setup`: downloads libtensorflow, the Shakespeare corpus and packages in advance. */
import manifest from "../../deno.json" with { type: "json" };
import { UserError } from "../error/user_error.ts";
import { configArguments, PACKAGE_URL } from "../file/package.ts";
import { PLOTLY_VERSION, plotlySource } from "../figure/report/plotly_source.ts";
import type { Command } from "commander";
import { loadCorpus } from "../run/mod.ts";
import "../sweep/worker.ts"; // programs of other processes
import "../sweep/sweep_process.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { loadGpt2Tokenizer } from "../text/mod.ts";
import "../text/library_tokenizer.ts";
import { command } from "./command.ts";

/**
 * Creates the command `setup`.
 *
 * @param loadCommands Loads the modules of all commands, which downloads their packages.
 */
export function setupOf(loadCommands: () => Promise<void>): Command {
  return command(
    "setup",
    "Download libtensorflow (274 MB) and the Shakespeare corpus into the user's cache, minify Plotly for reports, and download the packages of all commands. Other commands do this on first use.",
  )
    .action(async () => {
      const { version, device } = await useTensorFlow();
      console.log(`TensorFlow ${version} runs on ${device === "cpu" ? "the CPU" : device}`);
      const { corpus } = await loadCorpus("shakespeare");
      console.log(`shakespeare: ${corpus.bytes} bytes, SHA-256 ${corpus.sha256}`);
      await plotlySource();
      console.log(`Plotly ${PLOTLY_VERSION} for reports`);
      // Deno downloads packages at their first import. Later commands then work without a network.
      await loadCommands();
      await loadGpt2Tokenizer();
      await cacheForPrograms();
    });
}

/**
 * Downloads the packages of the library's public modules, with their lists of versions. Users' programs and notebooks
 * have a lock file of their own, or none, so that Deno reads these lists.
 */
async function cacheForPrograms(): Promise<void> {
  const modules = Object.values(manifest.exports).map((path) => new URL(path, PACKAGE_URL).href);
  const { success, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["cache", "--quiet", "--no-lock", ...configArguments(), ...modules],
    env: { NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    stdin: "null",
  }).output();
  if (success) return;
  const [reason = ""] = new TextDecoder().decode(stderr).split("\n");
  throw new UserError(
    `Cannot download the packages for programs: ${reason.replace(/\.$/, "")}. Repeat the command.`,
  );
}
