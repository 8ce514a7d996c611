/**
 * Blocked cross entropy: the loss of the output head, computed over one block of the vocabulary at a time. No tensor of
 * size [N, V] is held in memory, forward or backward.
 *
 * Letters: N rows, C width, V vocabulary, v tokens of a block.
 *
 * A first pass collects each row's `max`, `sumExp` and `targetLogit` over the blocks. A second pass recomputes each
 * block's logits, then computes their gradient `dLogits` (the form of Apple's Cut Cross-Entropy, Wijmans 2024). Logits
 * of the first blocks are kept for the second pass, up to 32 MiB. The gradient of a table row is one product over all
 * rows of hidden states. The gradient of the hidden states is a sum over blocks, in float32 under every policy. The
 * plain form, by TF.js's autodiff, is `crossEntropy` in `cross_entropy_loss.ts`.
 *
 * @module
 */
import * as tf from "@tensorflow/tfjs";
import {
  addColumns,
  columnGradients,
  joinColumns,
  noStatistics,
  type RowStatistics,
} from "./cross_entropy.ts";
import { DataType } from "../native/dtype.ts";
import {
  classScope,
  hasFormat,
  isObserved,
  layerScope,
  observe,
  operandFormats,
  operation,
  rounded,
  roundingDraws,
  withDrawsFrom,
} from "../precision/scope.ts";
import { type Factors, type Product, quantizedProduct } from "./_quantized_product.ts";
import { emptyMatrix, fillRows, rowsAfter } from "./_rows.ts";
import { dtypeOf, toFloat32 } from "../binding/true_dtype.ts";
import { productType } from "./_unit.ts";

/**
 * Default number of logits in the blocks of all lanes, up to 512 rows: 4 MiB in float32. With more rows, blocks have
 * {@linkcode MIN_BLOCK_TOKENS} tokens.
 */
const BLOCK_LOGITS = 2 ** 20;

/** Number of logits that an observer receives at a time. They take 8 MiB in float32. */
const SHOWN_LOGITS = 2 ** 21;

/**
 * Number of lanes: chains of blocks that a graph runs concurrently, because the ops of a block depend on each other and
 * gain little from a second core. Block i belongs to lane i mod `LANES`.
 */
const LANES = 2;

/**
 * Default of the size of the logits that the first pass keeps for the second, in bytes. Each kept block saves one of four
 * products. With 32 MiB, the head takes 24 % of the memory of PyTorch's loss at 512 rows and V = 50,304.
 */
const KEPT_BYTES = 32 * 2 ** 20;

/** Minimum number of tokens in a block. With fewer tokens, matrix products are slow for any number of rows. */
const MIN_BLOCK_TOKENS = 1024;

/** The number of tokens in a block is a multiple of this number, so that rows of logits begin at cache lines. */
const BLOCK_UNIT = 64;

/** Terms of the objective in addition to the negative log likelihood. */
export interface Regularization {
  /**
   * Epsilon of label smoothing, in [0, 1]: the loss of a row becomes (1 - epsilon) nll + epsilon · the mean over V of
   * -log p.
   */
  readonly labelSmoothing: number;
  /** Coefficient of the z-loss: the term `zLoss` · (log Z)² is added to the loss of each row. */
  readonly zLoss: number;
}

/** Targets and weights of the rows of a loss, and how the loss is computed. */
export interface LossRows {
  /** Token ids, int32 [N], each in [0, V). */
  readonly targets: tf.Tensor1D;
  /** Weight of each row in the sum, float32 [N]. */
  readonly weights: tf.Tensor1D;
  /** Label smoothing and z-loss. */
  readonly regularization: Regularization;
  /**
   * Soft cap of the logits: each logit x becomes cap · tanh(x / cap). Only {@linkcode blockedCrossEntropy} reads it,
   * because it computes the logits itself. Default: no cap.
   */
  readonly logitSoftCap?: number | undefined;
  /**
   * Number of tokens in a block of the vocabulary. Default: such that a block has about 2^19 logits, but at least 1,024
   * tokens.
   */
  readonly block?: number | undefined;
  /**
   * Maximum size of the logits that the first pass keeps for the second, in bytes. The result does not depend on it.
   * Default: 32 MiB.
   */
  readonly keptBytes?: number | undefined;
}

/** Weighted sums of a loss over rows, float32 scalars. */
export interface LossSums {
  /** The sum to minimize, with all terms. It has a gradient. */
  readonly objective: tf.Scalar;
  /** The sum of the negative log likelihoods alone. It may have no gradient. */
  readonly nll: tf.Scalar;
}

/**
 * Returns the loss of each row, with label smoothing and z-loss.
 *
 * @param nll Negative log likelihood of each row.
 * @param of Values of each row: `logZ`, and `spread`, the mean over V of -log p.
 */
export function regularized(
  nll: tf.Tensor,
  { logZ, spread }: { logZ: tf.Tensor; spread: tf.Tensor | number },
  { labelSmoothing, zLoss }: Regularization,
): tf.Tensor {
  const smooth = tf.add(tf.mul(nll, 1 - labelSmoothing), tf.mul(spread, labelSmoothing));
  return tf.add(smooth, tf.mul(tf.square(logZ), zLoss));
}

/** A contiguous range of indices. */
export interface Range {
  /** The first index. */
  readonly begin: number;
  /** The number of indices. */
  readonly size: number;
}

/**
 * Splits the indices from 0 to `all` - 1 into contiguous ranges of nearly equal size.
 *
 * @param all Number of indices.
 * @param most Maximum size of a range, before it is rounded up to a multiple of `unit`.
 * @param unit Number of which all sizes but the last are multiples. Default: 1.
 */
export function rangesOf(all: number, most: number, unit: number = 1): Range[] {
  const size = unit * Math.ceil(all / Math.ceil(all / most) / unit);
  return Array.from(
    { length: Math.ceil(all / size) },
    (_, i) => ({ begin: i * size, size: Math.min(size, all - i * size) }),
  );
}

/**
 * Computes the weighted sums of the losses of rows, without holding all logits.
 *
 * @param hidden Hidden states, [N, C].
 * @param table The output head's table, [V, C].
 * @param rows Targets, weights, regularization, soft cap and block size.
 * @returns The sums. `tf.tidy` does not free `nll`: the caller must dispose of it.
 */
export function blockedCrossEntropy(hidden: tf.Tensor2D, table: tf.Tensor2D, rows: LossRows): LossSums {
  let nll: tf.Scalar | undefined;
  const fn = (hidden: tf.Tensor2D, table: tf.Tensor2D, save: tf.GradSaveFunc) => {
    const head = new BlockedHead(hidden, table, rows);
    if (isObserved()) head.show();
    const inLoss = <R>(work: () => R) => layerScope("loss", () => classScope({ opClass: "loss" }, work));
    const statistics = inLoss(() => head.normalize());
    const sums = inLoss(() => tf.tidy(() => ({ ...head.sums(statistics) })));
    nll = tf.keep(sums.nll);
    const { dHidden, dTable } = inLoss(() =>
      classScope({ opClass: "loss", backward: true }, () => head.gradient(statistics))
    );
    tf.dispose(Object.values(statistics));
    save([dHidden, dTable]);
    const gradFunc = (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(gradient, dy));
    return { value: sums.objective, gradFunc };
  };
  // TF.js's type of a function with a gradient excludes mixed arguments.
  const objective = tf.customGrad(fn as unknown as Parameters<typeof tf.customGrad>[0])(hidden, table);
  return { objective: objective as tf.Scalar, nll: nll! };
}

/** Gradients of hidden states [N, C] and table [V, C], accumulated over blocks in float32. */
type Gradients = { dHidden: tf.Tensor; dTable: tf.Tensor2D };

/** Logits of a block. With a soft cap, also tanh(x / cap) as `bounded`. */
interface BlockLogits {
  readonly logits: tf.Tensor;
  readonly bounded: tf.Tensor | undefined;
}

/** The output head and its loss, computed block by block. */
class BlockedHead {
  readonly #hidden: tf.Tensor2D;
  readonly #table: tf.Tensor2D;
  readonly #rows: LossRows;
  readonly #blocks: readonly Range[];
  readonly #lanes: number;
  /** Number of random keys drawn before each block of the first pass. The second pass draws the same keys again. */
  readonly #draws: number[] = [];
  /** Logits of the first blocks, for the second pass. */
  readonly #kept: BlockLogits[] = [];

  constructor(hidden: tf.Tensor2D, table: tf.Tensor2D, rows: LossRows) {
    const [N, V] = [hidden.shape[0], table.shape[0]];
    this.#hidden = hidden;
    this.#table = table;
    // TensorFlow reports an index outside of the vocabulary. Without the lookup, no block would have the target.
    const targets = tf.gather(tf.range(0, V, 1, "int32"), rows.targets) as tf.Tensor1D;
    this.#rows = { ...rows, targets };
    this.#blocks = rows.block === undefined
      ? rangesOf(V, Math.max(MIN_BLOCK_TOKENS, Math.floor(BLOCK_LOGITS / LANES / N)), BLOCK_UNIT)
      : rangesOf(V, rows.block);
    this.#lanes = Math.min(LANES, this.#blocks.length);
  }

  /** Passes the logits to the active observer, in groups of whole rows. */
  show(): void {
    const [N, V] = [this.#hidden.shape[0], this.#table.shape[0]];
    const draws = roundingDraws();
    for (const { begin, size } of rangesOf(N, Math.ceil(SHOWN_LOGITS / V))) {
      tf.tidy(() => {
        const rows = tf.slice(this.#hidden, [begin, 0], [size, this.#hidden.shape[1]]);
        observe("logits", withDrawsFrom(draws, () => toFloat32(this.#logits(rows, this.#table).logits)));
      });
    }
  }

  /** Runs the first pass: collects the statistics of each row over all blocks. */
  normalize(): RowStatistics {
    const belowMax = this.#rows.regularization.labelSmoothing !== 0;
    const begin = () => tf.tidy(() => ({ ...noStatistics(this.#hidden.shape[0], { belowMax }) }));
    const lanes = Array.from({ length: this.#lanes }, () => ({ statistics: begin(), columns: 0 }));
    let free = this.#rows.keptBytes ?? KEPT_BYTES;
    for (const [i, range] of this.#blocks.entries()) {
      this.#draws.push(roundingDraws());
      const lane = lanes[i % lanes.length]!, { statistics: former, columns: before } = lane;
      lane.statistics = tf.tidy(() => {
        const block = rowsAfter(this.#table, range, [former.sumExp, former.targetLogit]);
        const { logits, bounded } = this.#logits(this.#hidden, block);
        free -= bytesOf(logits) + (bounded === undefined ? 0 : bytesOf(bounded));
        if (free >= 0) this.#kept[i] = { logits: tf.keep(logits), bounded: bounded && tf.keep(bounded) };
        return { ...addColumns(former, logits, { targets: this.#targets(range), before }) };
      });
      lane.columns += range.size;
      tf.dispose(Object.values(former));
    }
    if (lanes.length === 1) return lanes[0]!.statistics;
    const joined = tf.tidy(() => ({ ...joinColumns(lanes) }));
    for (const { statistics } of lanes) tf.dispose(Object.values(statistics));
    return joined;
  }

  /** Computes the weighted sums over rows. */
  sums({ max, sumExp, targetLogit, belowMax }: RowStatistics): LossSums {
    const { weights, regularization: { labelSmoothing, zLoss } } = this.#rows;
    const logZ = tf.add(max, tf.log(sumExp)); // [N, 1]
    const nll = tf.sub(tf.log(sumExp), tf.sub(targetLogit, max));
    const added = (losses: tf.Tensor) =>
      tf.sum(tf.mul(atLoss(tf.reshape(losses, [-1])), weights)) as tf.Scalar;
    const plain = added(nll);
    if (labelSmoothing === 0 && zLoss === 0) return { objective: tf.clone(plain), nll: plain };
    // The mean over V of -log p. Like the loss, it does not contain the logits' common offset.
    const spread = belowMax === undefined
      ? 0
      : tf.add(tf.log(sumExp), tf.div(belowMax, this.#table.shape[0]));
    return { objective: added(regularized(nll, { logZ, spread }, this.#rows.regularization)), nll: plain };
  }

  /** Runs the second pass: computes the gradients of the objective of {@linkcode sums}. */
  gradient(statistics: RowStatistics): Gradients {
    const [[N, C], V] = [this.#hidden.shape, this.#table.shape[0]];
    const weights = tf.expandDims(this.#rows.weights, 1); // [N, 1]
    const lanes: { dHidden: tf.Tensor; dBlock?: tf.Tensor }[] = Array.from(
      { length: this.#lanes },
      () => ({ dHidden: tf.fill([N, C], 0) }),
    );
    let dTable = emptyMatrix([V, C]);
    for (const [i, range] of this.#blocks.entries()) {
      const at = i % lanes.length, former = lanes[at]!, filled = dTable;
      // The second pass depends on the first, and each block on the previous one of its lane. Without this order, a graph
      // would run all blocks that are ready at once and hold their logits.
      const after = former.dBlock === undefined
        ? [statistics.sumExp, statistics.targetLogit]
        : [former.dHidden, former.dBlock];
      const { table, ...lane } = tf.tidy(() => {
        const block = rowsAfter(this.#table, range, after); // [v, C]
        const { logits, bounded } = this.#laterLogits(i, { block, after });
        const dBounded = atLoss(columnGradients(
          logits,
          { ...statistics, weights, targets: this.#targets(range) },
          { ...this.#rows.regularization, V, dtype: bounded === undefined ? gradientType() : DataType.FLOAT },
        ));
        const dLogits = bounded === undefined ? dBounded : tf.mul(dBounded, tf.sub(1, tf.square(bounded)));
        const dHidden = inHead("dgrad", { a: dLogits, b: block, slots: ["dgrad.dy", "dgrad.w"] });
        const dBlock = toFloat32(
          inHead("wgrad", { a: dLogits, b: this.#hidden, transposeA: true, slots: ["wgrad.dy", "wgrad.x"] }),
        );
        return {
          dHidden: tf.add(former.dHidden, toFloat32(dHidden)),
          table: fillRows(filled, range.begin, dBlock),
          dBlock,
        };
      });
      dTable = table;
      lanes[at] = lane;
      tf.dispose([...Object.values(former), filled, { ...this.#kept[i] }]);
    }
    const dHidden = lanes.length === 1
      ? lanes[0]!.dHidden
      : tf.tidy(() => lanes.map(({ dHidden }) => dHidden).reduce((a, b) => tf.add(a, b)));
    tf.dispose([weights, ...lanes.flatMap((lane) => Object.values(lane)).filter((one) => one !== dHidden)]);
    return { dHidden, dTable };
  }

  /** Returns the logits of a block for the second pass: those that were kept, or the same logits recomputed. */
  #laterLogits(
    i: number,
    { block, after }: { block: tf.Tensor2D; after: readonly tf.Tensor[] },
  ): BlockLogits {
    const kept = this.#kept[i];
    if (kept === undefined) {
      return withDrawsFrom(this.#draws[i]!, () => this.#logits(this.#hidden, block));
    }
    // Without the dependency, a graph would compute the gradients of all kept logits at once.
    const wait = (x: tf.Tensor) => rowsAfter(x as tf.Tensor2D, { begin: 0, size: x.shape[0]! }, after);
    return { logits: wait(kept.logits), bounded: kept.bounded && wait(kept.bounded) };
  }

  /** Returns the logits of some rows and tokens. */
  #logits(hidden: tf.Tensor2D, table: tf.Tensor2D): BlockLogits {
    const product = inHead("forward", {
      ...{ a: hidden, b: table, transposeB: true },
      slots: ["forward.x", "forward.w"],
    });
    const cap = this.#rows.logitSoftCap;
    const bounded = cap === undefined ? undefined : tf.tanh(tf.div(toFloat32(product), cap));
    return { logits: atLoss(bounded === undefined ? product : tf.mul(bounded, cap!)), bounded };
  }

  /** Returns the targets relative to a block's first token, int32 [N, 1]. */
  #targets({ begin }: Range): tf.Tensor {
    return tf.expandDims(tf.sub(this.#rows.targets, tf.scalar(begin, "int32")), 1);
  }
}

/**
 * Computes a matrix product of the head, in the format of its class or in the formats of its operands. A scale covers
 * one block of the vocabulary.
 */
function inHead(product: Product, factors: Factors): tf.Tensor {
  return layerScope("head", () => {
    const formats = operandFormats();
    if (formats !== undefined) {
      return classScope({ opClass: "linear" }, () => quantizedProduct({ formats }, product, factors).value);
    }
    return headProduct([factors.a, factors.b], factors);
  });
}

const headProduct = operation(
  "linear",
  ([a, b]: [tf.Tensor, tf.Tensor], { transposeA, transposeB }: Factors) =>
    tf.matMul(a, b, transposeA, transposeB),
);

/**
 * Rounds an input or result of the loss to the format of the class `loss`, and returns float32. Without a format,
 * returns x unchanged.
 */
function atLoss(x: tf.Tensor): tf.Tensor {
  if (!hasFormat("loss", "loss")) return x;
  return layerScope("loss", () => toFloat32(rounded("loss", x)));
}

/**
 * Returns the type of `dLogits`. If the policy lowers matrix products, it is their type, to which they would round
 * `dLogits` anyway.
 */
function gradientType(): number {
  const isBoxed = hasFormat("loss", "loss") || hasFormat("linear", "head");
  return (isBoxed ? undefined : productType()) ?? DataType.FLOAT;
}

/** Returns the size of a tensor in bytes. */
function bytesOf(x: tf.Tensor): number {
  return x.size * (dtypeOf(x) === DataType.FLOAT ? 4 : 2);
}
