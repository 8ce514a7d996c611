/**
 * `report_memory.ts DIR`: writes the report of a sweep's folder, and prints the peak memory of the process in bytes.
 */
import { report } from "../../lib/study/report.ts";
import { peakRss } from "../bench/measure.ts";

await report(Deno.args[0]!);
console.log(2 ** 20 * peakRss());
