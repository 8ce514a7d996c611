/** `deno task setup`: downloads libtensorflow and the Shakespeare corpus in advance. */
import { PLOTLY_VERSION, plotlySource } from "../figure/report/plotly_source.ts";
import type { Command } from "commander";
import { loadCorpus } from "../run/mod.ts";
import "../sweep/worker.ts"; // programs of other processes
import "../sweep/sweep_process.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { loadGpt2Tokenizer } from "../text/mod.ts";
import "../text/library_tokenizer.ts";
import { command, runCommand } from "./command.ts";

/**
 * Creates the command `setup`.
 *
 * @param loadCommands Loads the modules of all commands, which downloads their packages. Default: loads nothing, as in
 * a checkout, where `deno task` downloads all packages.
 */
export function setupOf(loadCommands: () => Promise<void> = async () => {}): Command {
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
    });
}

if (import.meta.main) await runCommand(setupOf(), Deno.args);
