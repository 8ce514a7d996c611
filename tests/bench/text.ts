/**
 * `deno task bench:text`: measures BPE training and encoding on one core of this machine. The text is Shakespeare's works,
 * 5.06 MB.
 */
import process from "node:process";
import { loadShakespeare } from "../../data/shakespeare.ts";
import { command, runCommand } from "../../lib/cli/command.ts";
import {
  corpusText,
  createBpeTokenizer,
  loadGpt2Tokenizer,
  type Tokenizer,
  trainBpe,
  trainCharacterTokenizer,
} from "../../lib/text/mod.ts";
import { median } from "./measure.ts";

/** Vocabulary size to train. */
const V = 16_384;

const ROUNDS = 5;

/** Wall time and CPU time in seconds. */
interface Timing {
  readonly wall: number;
  readonly processor: number;
}

function time(work: () => void): Timing {
  const timings = Array.from({ length: ROUNDS }, () => {
    const begin = performance.now(), before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return { wall: (performance.now() - begin) / 1e3, processor: (user + system) / 1e6 };
  });
  return {
    wall: median(timings.map(({ wall }) => wall)),
    processor: median(timings.map(({ processor }) => processor)),
  };
}

/** Measures and prints all timings. */
async function main(): Promise<void> {
  const corpus = await loadShakespeare();
  const text = corpusText(corpus);
  const megabytes = corpus.bytes / 1e6;
  const trained = trainBpe(text, { vocabSize: V });
  const learning = time(() => trainBpe(text, { vocabSize: V }));
  console.log(
    `learning ${V} tokens: ${learning.wall.toFixed(2)} s, processor ${learning.processor.toFixed(2)} s ` +
      `(medians of ${ROUNDS})`,
  );
  const tokenizers: Tokenizer[] = [
    ...[trainCharacterTokenizer(text), createBpeTokenizer([]), trained, await loadGpt2Tokenizer()],
  ];
  for (const tokenizer of tokenizers) {
    const { wall, processor } = time(() => void tokenizer.encode(text));
    console.log(
      `encoding, ${tokenizer.name}: ${(megabytes / wall).toFixed(1)} MB/s, by processor time ` +
        `${(megabytes / processor).toFixed(1)} MB/s`,
    );
  }
}

const program = command(
  "bench:text",
  "Measure BPE training and encoding on one core, on Shakespeare's works.",
)
  .action(main);

if (import.meta.main) await runCommand(program, Deno.args);
