/**
 * Sequence length × AMP × vocabulary: does the gap between bf16-autocast and float32 grow with T or V?
 *
 * Five paired seeds, models of 0.12 to 0.17 million parameters, 153,600 tokens per run. Losses are over the whole
 * validation split, in nats per token and bits per byte. `deno task compare experiments/seq_amp_vocab.ts`
 * trains the 60 runs and 18 perturbed runs, and reports the effect of doubling T and V, with confidence intervals over seeds.
 * `results/seq_amp_vocab.json` is a recorded output of `--json` that this spec supersedes: it has no perturbed runs, and its losses
 * are over the first 65,536 tokens, a longer text for the larger vocabulary.
 *
 * @module
 */
export default {
  name: "seq_amp_vocab",
  seq: [32, 64, 128],
  policy: ["float32", "bf16-autocast"],
  vocab: ["bpe:256", "bpe:1024"],
  seeds: [1, 2, 3, 4, 5],
  steps: 150,
  tokensPerStep: 1024,
  nLayer: 2,
  nHead: 2,
  nEmbd: 64,
  lr: 3e-3,
  minLr: 3e-4,
  warmupSteps: 15,
  evalEvery: 150,
  evalBytes: "all",
  checkpointEvery: 150,
};
