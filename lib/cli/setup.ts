/** `deno task setup`: fetches what the other tasks would fetch when they need it. */
import { loadCorpus } from "../run/mod.ts";
import { useTensorFlow } from "../tensorflow/mod.ts";
import { command, runCommand } from "./command.ts";

const program = command("setup", "Fetches libtensorflow and the Shakespeare corpus into the user's cache.")
  .action(async () => {
    const { runtime, device } = await useTensorFlow();
    console.log(`TensorFlow ${runtime.version} runs on ${device === "cpu" ? "the CPU" : device}`);
    const { corpus } = await loadCorpus("shakespeare");
    console.log(`shakespeare: ${corpus.bytes} bytes, SHA-256 ${corpus.sha256}`);
  });

if (import.meta.main) await runCommand(program, Deno.args);
