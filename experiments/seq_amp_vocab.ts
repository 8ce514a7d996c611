/**
 * Sequence length × AMP × vocabulary: does the gap between bf16-autocast and float32 grow with T or V?
 *
 * Five paired seeds, models of 0.12 to 0.17 million parameters, 256,000 tokens per run. The peak learning rate of 1e-3 is low
 * enough that rounding errors stay small: at 3e-3, float32 runs with another summation order differ by 0.007 nats. Losses are
 * over the same 65,536 bytes of validation text for every vocabulary, in nats per token and bits per byte.
 * `deno task compare experiments/seq_amp_vocab.ts` trains the 40 runs and 12 perturbed runs, and reports the effect of doubling
 * T and V, with confidence intervals over seeds.
 * `results/seq_amp_vocab.json` is the recorded output of `--json`.
 *
 * @module
 */
export default {
  name: "seq_amp_vocab",
  seq: [32, 128],
  policy: ["float32", "bf16-autocast"],
  vocab: ["bpe:256", "bpe:1024"],
  seeds: [1, 2, 3, 4, 5],
  steps: 250,
  tokensPerStep: 1024,
  nLayer: 2,
  nHead: 2,
  nEmbd: 64,
  lr: 1e-3,
  minLr: 1e-4,
  warmupSteps: 25,
  evalEvery: 250,
  evalBytes: 65536,
  checkpointEvery: 250,
};
