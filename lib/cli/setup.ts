/** `deno task setup`: downloads libtensorflow and the Shakespeare corpus in advance. */
import { loadCorpus } from "../run/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command(
  "setup",
  "Download libtensorflow (274 MB) and the Shakespeare corpus into the user's cache. Other commands download them on first use.",
)
  .action(async () => {
    const { version, device } = await useTensorFlow();
    console.log(`TensorFlow ${version} runs on ${device === "cpu" ? "the CPU" : device}`);
    const { corpus } = await loadCorpus("shakespeare");
    console.log(`shakespeare: ${corpus.bytes} bytes, SHA-256 ${corpus.sha256}`);
  });

if (import.meta.main) await runCommand(program, Deno.args);
