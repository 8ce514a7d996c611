/**
 * `report_memory.ts DIR` reports on a sweep's folder as `report` does, and prints the most memory that the process held, in
 * bytes.
 */
import { writeReport } from "../../lib/cli/report_files.ts";
import { peakRss } from "../bench/measure.ts";

await writeReport(Deno.args[0]!, { title: "memory", print: () => {} });
console.log(2 ** 20 * peakRss());
