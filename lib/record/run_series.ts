/**
 * Events of a run, stored by column. A step takes 48 bytes, and 300 bytes as an object. Runs of a million steps
 * therefore fit into memory.
 *
 * @module
 */
import { greatest } from "../number/extent.ts";
import type { EvalEvent, RunEvent, StepEvent } from "./event.ts";

/** Training steps without superseded steps: each step once, from step 1, without gaps. */
export interface StepSeries {
  /** Number of steps. */
  readonly length: number;
  /** Step, from 1. */
  readonly step: Int32Array;
  /** Training loss in nats per token. */
  readonly loss: Float64Array;
  /** Learning rate. */
  readonly lr: Float64Array;
  /** Global norm of the gradient, before clipping. */
  readonly gradNorm: Float64Array;
  /** Training tokens per second. */
  readonly tokensPerSecond: Float64Array;
  /** Factor of the gradient scaler. NaN at steps without a factor. Undefined if no step has a factor. */
  readonly lossScale: Float64Array | undefined;
}

/** A step with recorded probes: metrics by layer or parameter. */
export interface ProbedStep {
  /** Step, from 1. */
  readonly step: number;
  /** Metrics by scope: the name of a layer or a parameter. */
  readonly probes: NonNullable<StepEvent["probes"]>;
}

/**
 * A run's events by kind. Steps, evaluations and probed steps exclude superseded events, which a later `resume` event
 * discards.
 */
export interface RunSeries {
  /** Training steps. */
  readonly steps: StepSeries;
  /** Evaluations in order. */
  readonly evals: readonly EvalEvent[];
  /** Steps with probes in order. */
  readonly probed: readonly ProbedStep[];
  /** Largest recorded share of gradient elements that underflow. Undefined if no step records the share. */
  readonly underflow: number | undefined;
  /** All events except steps, in order, including superseded events. */
  readonly others: readonly Exclude<RunEvent, StepEvent>[];
}

/** Numbers of a step that are stored in columns. */
const FIGURES = ["loss", "lr", "gradNorm", "tokensPerSecond", "time"] as const;

/** Rows for which a new store reserves memory: at least, and at most if more steps are expected. */
const LEAST_ROWS = 64, MOST_ROWS = 4096;

type Figures = Record<typeof FIGURES[number], Float64Array>;

/** An event that is not a step, and the number of steps before it. */
interface Other {
  readonly before: number;
  readonly event: Exclude<RunEvent, StepEvent>;
}

/** Events of a journal in order, stored by column. */
export class EventStore {
  #count = 0;
  #step: Int32Array;
  #figures: Figures;
  /** Factors of the gradient scaler, NaN at steps without one. Undefined until a step has one. */
  #lossScale: Float64Array | undefined;
  readonly #others: Other[] = [];
  /** Steps that do not fit in columns, such as probed steps, by index. */
  readonly #whole = new Map<number, StepEvent>();
  #last: RunEvent | undefined;
  #series: RunSeries | undefined;

  /**
   * Creates an empty store.
   *
   * @param steps Expected number of steps. Default: 0. The store grows if there are more.
   */
  constructor(steps: number = 0) {
    const rows = Math.max(LEAST_ROWS, Math.min(steps, MOST_ROWS));
    this.#step = new Int32Array(rows);
    this.#figures = emptyFigures(rows);
  }

  /** Appends an event. */
  add(event: RunEvent): void {
    this.#series = undefined;
    this.#last = event.event === "step" ? undefined : event;
    if (event.event !== "step") {
      this.#others.push({ before: this.#count, event });
      return;
    }
    const row = this.#count++;
    if (row === this.#step.length) this.#grow(2 * row);
    const milliseconds = millisecondsOf(event.time), scale = event.lossScale;
    // Assigned one by one: a loop over names takes three times as long.
    const { loss, lr, gradNorm, tokensPerSecond, time } = this.#figures;
    this.#step[row] = event.step;
    loss[row] = event.loss;
    lr[row] = event.lr;
    gradNorm[row] = event.gradNorm;
    tokensPerSecond[row] = event.tokensPerSecond;
    time[row] = milliseconds;
    if (scale !== undefined) {
      this.#lossScale ??= new Float64Array(this.#step.length).fill(NaN);
      this.#lossScale[row] = scale;
    }
    const isPlain = !Number.isNaN(milliseconds) && event.probes === undefined &&
      event.underflow === undefined &&
      (scale === undefined || !Number.isNaN(scale));
    if (!isPlain) this.#whole.set(row, event);
  }

  /** Number of events. */
  get length(): number {
    return this.#count + this.#others.length;
  }

  /** Last event of the journal. Undefined if the last event is a step. */
  get lastOther(): RunEvent | undefined {
    return this.#last;
  }

  /** Events that are not steps, in order. */
  get others(): readonly Exclude<RunEvent, StepEvent>[] {
    return this.#others.map(({ event }) => event);
  }

  /** Creates the events one by one, in order. */
  *[Symbol.iterator](): Generator<RunEvent> {
    let row = 0;
    for (const { before, event } of this.#others) {
      while (row < before) yield this.#stepAt(row++);
      yield event;
    }
    while (row < this.#count) yield this.#stepAt(row++);
  }

  /**
   * Steps and evaluations without superseded events. Views the stored columns if nothing is superseded, otherwise
   * copies them.
   */
  get series(): RunSeries {
    return this.#series ??= this.#makeSeries();
  }

  #makeSeries(): RunSeries {
    let evals: EvalEvent[] = [], rows: Int32Array | undefined, length = 0, row = 0;
    const take = (end: number) => {
      for (; row < end; row++) {
        if (rows !== undefined) rows[length] = row;
        length++;
      }
    };
    for (const { before, event } of this.#others) {
      take(before);
      if (event.event === "eval") evals.push(event);
      if (event.event !== "resume") continue;
      evals = evals.filter(({ step }) => step <= event.step);
      if (event.step >= length) continue;
      rows ??= Int32Array.from({ length: this.#count }, (_, i) => i);
      length = event.step;
    }
    take(this.#count);
    const chosen = rows?.subarray(0, length);
    const column = (values: Float64Array) =>
      chosen === undefined ? values.subarray(0, length) : Float64Array.from(chosen, (row) => values[row]!);
    const { loss, lr, gradNorm, tokensPerSecond } = this.#figures, lossScale = this.#lossScale;
    const steps: StepSeries = {
      length,
      step: chosen === undefined
        ? this.#step.subarray(0, length)
        : Int32Array.from(chosen, (row) => this.#step[row]!),
      loss: column(loss),
      lr: column(lr),
      gradNorm: column(gradNorm),
      tokensPerSecond: column(tokensPerSecond),
      lossScale: lossScale && column(lossScale),
    };
    const shares = [...this.#whole.values()].flatMap(({ underflow }) => underflow ?? []);
    const underflow = shares.length === 0 ? undefined : greatest(shares);
    const effective = chosen === undefined ? undefined : new Set(chosen);
    const probed = [...this.#whole].flatMap(([row, { step, probes }]) =>
      probes === undefined || effective?.has(row) === false ? [] : [{ step, probes }]
    );
    return { steps, evals, probed, underflow, others: this.others };
  }

  #stepAt(row: number): StepEvent {
    const whole = this.#whole.get(row);
    if (whole !== undefined) return whole;
    const { loss, lr, gradNorm, tokensPerSecond, time } = this.#figures;
    const lossScale = this.#lossScale?.[row] ?? NaN;
    return {
      event: "step",
      step: this.#step[row]!,
      loss: loss[row]!,
      lr: lr[row]!,
      gradNorm: gradNorm[row]!,
      ...(!Number.isNaN(lossScale) && { lossScale }),
      tokensPerSecond: tokensPerSecond[row]!,
      time: new Date(time[row]!).toISOString(),
    };
  }

  #grow(length: number): void {
    const step = new Int32Array(length), figures = emptyFigures(length);
    step.set(this.#step);
    for (const name of FIGURES) figures[name].set(this.#figures[name]);
    this.#step = step;
    this.#figures = figures;
    const scales = this.#lossScale;
    if (scales === undefined) return;
    this.#lossScale = new Float64Array(length).fill(NaN);
    this.#lossScale.set(scales);
  }
}

function emptyFigures(length: number): Figures {
  return Object.fromEntries(FIGURES.map((name) => [name, new Float64Array(length)])) as Figures;
}

/** Cached stores by run. */
const known = new WeakMap<object, EventStore>();

/** Registers the event store of a run, for {@linkcode seriesOf}. */
export function keepStore(run: object, store: EventStore): void {
  known.set(run, store);
}

/**
 * Returns a run's steps and evaluations by column. For a run read from a folder, this is fast, because no event objects
 * are created.
 */
export function seriesOf(run: { readonly events: readonly RunEvent[] }): RunSeries {
  let store = known.get(run);
  if (store === undefined) {
    store = new EventStore();
    for (const event of run.events) store.add(event);
    known.set(run, store);
  }
  return store.series;
}

/** Format of times in journals. */
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

/** Last parsed minute and its milliseconds since 1970. Neighboring steps usually share it. */
let minute = { text: "", milliseconds: NaN };

/** Returns milliseconds since 1970, or NaN for text that does not round-trip. */
function millisecondsOf(time: string): number {
  if (time.length !== 24) return NaN;
  if (!time.startsWith(minute.text) || minute.text === "") {
    const text = time.slice(0, 17), begin = Date.parse(`${text}00.000Z`);
    if (!ISO.test(time) || new Date(begin || 0).toISOString() !== `${text}00.000Z`) return NaN;
    minute = { text, milliseconds: begin };
  }
  const a = digitAt(time, 17),
    b = digitAt(time, 18),
    c = digitAt(time, 20),
    d = digitAt(time, 21),
    e = digitAt(time, 22);
  const fine = a >= 0 && a < 6 && b >= 0 && c >= 0 && d >= 0 && e >= 0 && time[19] === "." &&
    time[23] === "Z";
  return fine ? minute.milliseconds + 10_000 * a + 1000 * b + 100 * c + 10 * d + e : NaN;
}

/** Returns a digit of a text, or -1 for another character. */
function digitAt(text: string, at: number): number {
  const value = text.charCodeAt(at) - 48;
  return value < 10 ? Math.max(-1, value) : -1;
}
