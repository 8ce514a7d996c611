/**
 * Process that executes one notebook: `_child.ts JOB.json RESULT.json`. Runs the cells in order in this isolate, each as a
 * script in V8's REPL mode, as Deno's kernel does.
 *
 * Output and errors are assigned to cells by asynchronous context, which timers and promises inherit.
 *
 * @module
 */
import { AsyncLocalStorage } from "node:async_hooks";
import inspector from "node:inspector";
import { createStandIn, format } from "./front_end.ts";
import { OutputStore } from "./outputs.ts";
import { type Job, type JobFailure, type JobResult, RUNNER_KEY } from "./job.ts";

/** Time limit in milliseconds for pending timers and promises after the last cell. */
const LEFTOVER = 10_000;

/** A value in V8's inspector protocol. */
interface RemoteObject {
  readonly type: string;
  readonly objectId?: string;
  readonly value?: unknown;
  readonly unserializableValue?: string;
}

/** Response of the inspector to an evaluation. */
interface Evaluation {
  readonly result: RemoteObject;
  readonly exceptionDetails?: { readonly exception?: RemoteObject; readonly text: string };
}

const [jobPath = "", resultPath = ""] = Deno.args;
const { cells, notebook }: Job = JSON.parse(Deno.readTextFileSync(jobPath));
const store = new OutputStore(cells.length);
const context = new AsyncLocalStorage<number>();
/** Index of the running cell; after execution, of the last cell. */
let running = 0;
let executed = 0;
let failure: JobFailure | undefined;

/** Records the first failure. Later failures are usually its consequences. */
function fail(error: unknown, cell: number, isUncaught = false): void {
  const [message, stack] = error instanceof Error
    ? [`${error.name}: ${error.message}`, String(error.stack ?? "")]
    : [`threw ${Deno.inspect(error)}`, ""];
  failure ??= { cell, message, stack, isUncaught };
}

const currentCell = (): number => context.getStore() ?? running;

// Same console class as in the kernel, for the same formatting.
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
const { resolve: resolveImport } = import.meta;
(globalThis as unknown as Record<symbol, unknown>)[Symbol.for(RUNNER_KEY)] = {
  resolve: (specifier: unknown) =>
    /^\.{0,2}\//.test(String(specifier))
      ? new URL(String(specifier), notebook).href
      : resolveImport(String(specifier)),
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

/** Returns the value of an object of the inspector. */
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
    // Stacks do not name cells, so each cell has its own range of lines. The `await` makes the cell run outside of the
    // inspector call: Deno panics on nested inspector calls.
    await context.run(index, () => runCell(`${"\n".repeat(firstLine - 2)}await undefined;\n${code}`, index));
  } catch (error) {
    fail(error, index);
  }
  // Yields to the event loop, so that unhandled rejections are reported before the next cell.
  await new Promise((resolve) => setTimeout(resolve, 0));
  if (failure !== undefined) Deno.exit(0);
  executed = index + 1;
}
const leftover = setTimeout(() => {
  fail(
    new Error(
      `timers or promises were still pending ${LEFTOVER / 1000} s after the last cell`,
    ),
    running,
  );
  Deno.exit(0);
}, LEFTOVER);
Deno.unrefTimer(leftover);
