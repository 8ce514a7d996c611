/**
 * Sequence length × AMP × vocabulary: does the gap between bf16-autocast and float32 grow with T, with V?
 *
 * Five paired seeds of a model of 0.12 to 0.17 million parameters, 153,600 tokens a run, losses over the first 65,536
 * tokens of the validation part, in nats per token and in bits per byte. `deno task compare experiments/seq_amp_vocab.ts`
 * trains its 60 runs and says what a doubling of T and of V adds, with intervals over seeds. What it found is in
 * `results/seq_amp_vocab.json`, which `--json` wrote.
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
  evalTokens: 65536,
  checkpointEvery: 150,
};
