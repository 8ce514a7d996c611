/**
 * Arquero, with the version of flechette that losskit uses.
 *
 * @module
 */
// Arquero depends on a range of flechette. Without a lock file, Deno takes the version that the same modules import, else
// the newest, whose packages may be missing.
import "@uwdata/flechette";
export { type ColumnTable, not, table } from "arquero";
