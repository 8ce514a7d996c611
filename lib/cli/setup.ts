/** `deno task setup`: downloads libtensorflow and the Shakespeare corpus in advance. */
import { PLOTLY_VERSION, plotlySource } from "../figure/report/plotly_source.ts";
import type { Command } from "commander";
import { loadCorpus } from "../run/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { command, runCommand } from "./command.ts";

export const program: Command = command(
  "setup",
  "Download libtensorflow (274 MB) and the Shakespeare corpus into the user's cache, and minify Plotly for reports. Other commands do this on first use.",
)
  .action(async () => {
    const { version, device } = await useTensorFlow();
    console.log(`TensorFlow ${version} runs on ${device === "cpu" ? "the CPU" : device}`);
    const { corpus } = await loadCorpus("shakespeare");
    console.log(`shakespeare: ${corpus.bytes} bytes, SHA-256 ${corpus.sha256}`);
    await plotlySource();
    console.log(`Plotly ${PLOTLY_VERSION} for reports`);
  });

if (import.meta.main) await runCommand(program, Deno.args);
