/**
 * `report_memory.ts DIR` reports on a sweep's folder as `report` does, and prints the most memory that the process held, in
 * bytes.
 */
import { report } from "../../lib/study/report.ts";
import { peakRss } from "../bench/measure.ts";

await report(Deno.args[0]!);
console.log(2 ** 20 * peakRss());
