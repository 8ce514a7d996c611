/**
 * Writes the report of a sweep's folder once. Prints one line of JSON. Started by `report.ts` with the folder.
 *
 * @module
 */
import process from "node:process";
import { report } from "../../lib/study/report.ts";
import { peakRss } from "./measure.ts";

/** Result of the measurement. */
export interface Reported {
  /** Path of the page. */
  path: string;
  /** Wall time of the process until the page is written, in seconds. */
  seconds: number;
  /** CPU time of all threads of the process, in seconds. */
  cpuSeconds: number;
  /** Peak resident memory of the process in MiB. */
  mib: number;
}

if (import.meta.main) {
  const { path } = await report(JSON.parse(Deno.args[0]!));
  const { user, system } = process.cpuUsage();
  const result: Reported = {
    path,
    seconds: performance.now() / 1000,
    cpuSeconds: (user + system) / 1e6,
    mib: peakRss(),
  };
  console.log(JSON.stringify(result));
}
