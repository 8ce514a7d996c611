/**
 * The process of one notebook: `_child.ts JOB.json RESULT.json`. It runs the cells in order, in this isolate, each as a
 * script of V8's REPL mode, which is how Deno's kernel runs them.
 *
 * Who prints or fails is told by the asynchronous context that a cell runs in, which timers and promises carry on.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import inspector from "node:inspector";
import { createStandIn, format } from "./front_end.ts";
import { OutputStore } from "./outputs.ts";
import { type Job, type JobFailure, type JobResult, RUNNER_KEY } from "./job.ts";

/** How long what cells left under way may go on after the last of them, in milliseconds. */
const LEFTOVER = 10_000;

/** A value in V8's inspector protocol. */
interface RemoteObject {
  readonly type: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

/** The inspector's answer to an evaluation. */
interface Evaluation {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly exception?: RemoteObject; readonly text: string };
}

const [jobPath = "", resultPath = ""] = Deno.args;
const { cells, notebook }: Job = JSON.parse(Deno.readTextFileSync(jobPath));
const store = new OutputStore(cells.length);
const context = new AsyncLocalStorage<number>();
/** The cell that is awaited; afterwards the last one. */
let running = 0;
let executed = 0;
let failure: JobFailure | undefined;

/** Notes the first failure; what follows from it would only hide it. */
function fail(error: unknown, cell: number, isUncaught = false): void {
  const [message, stack] = error instanceof Error
    ? [`${error.name}: ${error.message}`, String(error.stack ?? "")]
    : [`it threw ${Deno.inspect(error)}`, ""];
  failure ??= { cell, message, stack, isUncaught };
}

const currentCell = (): number => context.getStore() ?? running;

// The kernel's console, with another end: both format alike.
const internal = (Deno as unknown as Record<symbol, { Console: new (print: PrintFunction) => Console }>)[
  (Deno as unknown as { internal: symbol }).internal
]!;
type PrintFunction = (text: string, level: number) => void;
Object.assign(
  console,
  new internal.Console((text, level) => store.stream(currentCell(), level > 1 ? "stderr" : "stdout", text)),
);
(Deno as unknown as { jupyter: unknown }).jupyter = createStandIn(store, currentCell);

const passed: unknown[] = [];
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for(RUNNER_KEY)] = {
  resolve: (specifier: unknown) =>
    /^\.{0,2}\//.test(String(specifier))
      ? new URL(String(specifier), notebook).href
      : import.meta.resolve(String(specifier)),
  pass: (value: unknown) => void passed.push(value),
};

globalThis.addEventListener("unhandledrejection", (event) => {
  event.preventDefault();
  fail(event.reason, currentCell(), true);
});
globalThis.addEventListener("error", (event) => {
  event.preventDefault();
  fail(event.error ?? event.message, currentCell(), true);
});
globalThis.addEventListener("unload", () => {
  const result: JobResult = { outputs: store.toOutputs(), executed, failure };
  Deno.writeTextFileSync(resultPath, JSON.stringify(result));
});

const session = new inspector.Session();
session.connect();
function post<R>(method: string, parameters: Record<string, unknown>): Promise<R> {
  const { promise, resolve, reject } = Promise.withResolvers<R>();
  session.post(
    method,
    parameters,
    (error: unknown, result: unknown) => error ? reject(error) : resolve(result as R),
  );
  return promise;
}

const { result: global } = await post<Evaluation>("Runtime.evaluate", { expression: "globalThis" });

/** The value itself of what the inspector speaks of. */
async function valueOf({ objectId, value, unserializableValue }: RemoteObject): Promise<unknown> {
  await post("Runtime.callFunctionOn", {
    objectId: global.objectId,
    functionDeclaration: `function (value) { this[Symbol.for("${RUNNER_KEY}")].pass(value); }`,
    arguments: [
      objectId !== undefined
        ? { objectId }
        : unserializableValue !== undefined
        ? { unserializableValue }
        : { value },
    ],
  });
  return passed.pop();
}

async function runCell(code: string, index: number): Promise<void> {
  const { result, exceptionDetails } = await post<Evaluation>("Runtime.evaluate", {
    expression: code,
    replMode: true,
    awaitPromise: true,
  });
  if (exceptionDetails !== undefined) {
    const { exception, text } = exceptionDetails;
    throw exception === undefined ? new Error(text) : await valueOf(exception);
  }
  if (result.type === "undefined") return;
  store.result(index, await format(await valueOf(result)));
}

for (const [index, { code, firstLine }] of cells.entries()) {
  running = index;
  try {
    // Stacks name no cell: lines that no other cell has do. The wait, which has no value, has the cell run outside of
    // the call to the inspector: a call inside of that one ends Deno in a panic.
    await context.run(index, () => runCell(`${"\n".repeat(firstLine - 2)}await undefined;\n${code}`, index));
  } catch (error) {
    fail(error, index);
  }
  // A task of its own, so that rejections that nobody handles are found before the next cell.
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (failure !== undefined) Deno.exit(0);
  executed = index + 1;
}
const leftover = setTimeout(() => {
  fail(
    new Error(
      `work that cells left under way did not end within ${
        LEFTOVER / 1000
      } s after the last cell: a timer, a promise`,
    ),
    running,
  );
  Deno.exit(0);
}, LEFTOVER);
Deno.unrefTimer(leftover);
