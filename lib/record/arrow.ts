/**
 * Encoding of columns as Arrow IPC files.
 *
 * @module
 */
import defer * as flechette from "@uwdata/flechette"; // runs write no tables
import { parseForm, type TableForm } from "./column_types.ts";
import type { Columns } from "./columns.ts";

const ARROW_TYPES = {
  int32: () => flechette.int32(),
  int64: () => flechette.int64(),
  double: () => flechette.float64(),
  boolean: () => flechette.bool(),
  text: () => flechette.dictionary(flechette.utf8()),
};

/**
 * Encodes columns as an Arrow IPC file. Text is dictionary-encoded. Numbers, NaN, infinities and null are stored
 * exactly.
 *
 * @param columns Columns of equal length.
 * @param form Declared types of the columns.
 */
export function encodeArrow(columns: Columns, form: TableForm): Uint8Array {
  const built = Object.entries(columns).map(([name, column]) => {
    const { type } = parseForm(form[name]!);
    // With an explicit type, Arrow copies each value. Nonempty typed arrays do not need one.
    const given = ArrayBuffer.isView(column) && column.length > 0 ? undefined : ARROW_TYPES[type]();
    const values = ArrayBuffer.isView(column) ? column : [...column];
    return [name, flechette.columnFromArray<unknown>(values, given)] as const;
  });
  return flechette.tableToIPC(flechette.tableFromColumns(Object.fromEntries(built)), { format: "file" })!;
}
