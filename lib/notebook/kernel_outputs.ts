/**
 * Prevents loss of cell outputs in Deno's Jupyter kernel.
 *
 * The kernel runs cells in one thread and sends messages to the front end in another. It reports a cell as finished while
 * outputs may still be queued. Those outputs arrive late and are lost. Therefore the end of a cell waits until a marker,
 * queued after all outputs, is received from the kernel's iopub socket.
 *
 * Source: `cli/js/jupyter_kernel.js` of Deno 2.9, whose queue has one reader.
 *
 * @module
 */
import { frontEnd } from "../progress/front_end.ts";
import { shortText } from "./_short_text.ts";
import { DISPLAY } from "./front_end.ts";
import { RUNNER_KEY } from "./job.ts";

/** Environment variable, set by losskit's kernelspec, with the path of Jupyter's connection file. */
export const CONNECTION_VARIABLE = "LOSSKIT_KERNEL_CONNECTION";

/** Time between two markers, wait without a readable socket, and maximum wait, in milliseconds. */
const AGAIN = 20, BLIND = 300, LONGEST = 30_000;

/** Function that the kernel calls at the end of each cell that did not throw. */
interface KernelInternals {
  broadcastResult: (count: number, result: unknown) => Promise<void>;
}

/** Address of the kernel's iopub socket. */
interface Address {
  readonly hostname: string;
  readonly port: number;
}

let installed = false;

/**
 * Delays the end of each cell until the kernel has sent the cell's outputs. Has no effect outside of Deno's kernel, or
 * if called again.
 */
export function keepOutputs(): void {
  const { internal } = Deno as unknown as { internal: symbol };
  const kernel = (Deno as unknown as Record<symbol, { jupyter?: KernelInternals } | undefined>)[internal]
    ?.jupyter;
  const isKernel = frontEnd() !== undefined && !(Symbol.for(RUNNER_KEY) in globalThis);
  if (installed || !isKernel || typeof kernel?.broadcastResult !== "function") return;
  installed = true;
  const publish = kernel.broadcastResult;
  const address = iopubAddress();
  kernel.broadcastResult = async (count, result) => {
    await publish(count, await shortened(result));
    await drained(address);
  };
}

/** Returns a cell's value, or a short text if the kernel would print the value as long text. */
async function shortened(result: unknown): Promise<unknown> {
  if (typeof result !== "object" || result === null) return result;
  try {
    const { format } = (Deno as unknown as { jupyter: { format(value: unknown): Promise<object> } }).jupyter;
    if (Object.keys(await format(result)).join() !== "text/plain") return result;
  } catch {
    return result; // The kernel reports the error.
  }
  return { [DISPLAY]: () => ({ "text/plain": shortText(result) }) };
}

function iopubAddress(): Address | undefined {
  try {
    const { transport, ip, iopub_port } = JSON.parse(
      Deno.readTextFileSync(Deno.env.get(CONNECTION_VARIABLE)!),
    );
    return transport === "tcp" ? { hostname: ip, port: iopub_port } : undefined;
  } catch {
    return undefined; // The kernel was started by another kernelspec.
  }
}

/** Waits until the kernel has sent all outputs so far. */
async function drained(address: Address | undefined): Promise<void> {
  if (address === undefined) return await pause(BLIND);
  try {
    using connection = await Deno.connect(address);
    await subscribe(connection);
    await markerSeen(connection);
  } catch {
    await pause(BLIND);
  }
}

/** Sends markers until the last one is received. The first markers may precede the subscription. */
async function markerSeen(connection: Deno.Conn): Promise<void> {
  const frames = readFrames(connection);
  const deadline = performance.now() + LONGEST;
  let marker = "", next = frames.next();
  while (performance.now() < deadline) {
    marker = crypto.randomUUID();
    // The front end is already in this state, so the message has no visible effect.
    frontEnd()?.broadcast("status", { execution_state: "busy", marker });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<"late">((resolve) => timer = setTimeout(resolve, AGAIN, "late"));
    try {
      for (;;) {
        const frame = await Promise.race([next, late]);
        if (frame === "late") break;
        if (frame.done) throw new Error("the kernel closed the connection");
        if (frame.value.includes(marker)) return;
        next = frames.next();
      }
    } finally {
      clearTimeout(timer);
    }
  }
}

const pause = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

/** Subscribes to all messages. Source: ZeroMQ Message Transport Protocol 3.1, mechanism NULL. */
async function subscribe(connection: Deno.Conn): Promise<void> {
  const text = new TextEncoder();
  const greeting = new Uint8Array(64);
  greeting.set([0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 1]);
  greeting.set(text.encode("NULL"), 12);
  const ready = [
    5,
    ...text.encode("READY"),
    11,
    ...text.encode("Socket-Type"),
    0,
    0,
    0,
    3,
    ...text.encode("SUB"),
  ];
  const writer = connection.writable.getWriter();
  await writer.write(greeting);
  await writer.write(Uint8Array.from([4, ready.length, ...ready]));
  await writer.write(Uint8Array.of(0, 1, 1)); // A message: 1, and the empty topic prefix.
  writer.releaseLock();
}

/** Yields received frames as text. */
async function* readFrames(connection: Deno.Conn): AsyncGenerator<string, void, undefined> {
  let buffer = new Uint8Array(), isGreeted = false;
  for await (const chunk of connection.readable) {
    const joined = new Uint8Array(buffer.length + chunk.length);
    joined.set(buffer);
    joined.set(chunk, buffer.length);
    buffer = joined;
    if (!isGreeted && buffer.length >= 64) {
      buffer = buffer.subarray(64);
      isGreeted = true;
    }
    while (isGreeted && buffer.length >= 2) {
      const isLong = (buffer[0]! & 2) !== 0;
      if (isLong && buffer.length < 9) break;
      const begin = isLong ? 9 : 2;
      const size = isLong
        ? Number(new DataView(buffer.buffer, buffer.byteOffset).getBigUint64(1))
        : buffer[1]!;
      if (buffer.length < begin + size) break;
      yield new TextDecoder().decode(buffer.subarray(begin, begin + size));
      buffer = buffer.subarray(begin + size);
    }
  }
}
