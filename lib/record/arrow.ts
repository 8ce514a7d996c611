/**
 * Arrow IPC files of columns.
 *
 * @module
 */
import {
  bool,
  columnFromArray,
  dictionary,
  float64,
  int32,
  int64,
  tableFromColumns,
  tableToIPC,
  utf8,
} from "@uwdata/flechette";
import { parseForm, type TableForm } from "./column_types.ts";
import type { Columns } from "./columns.ts";

const ARROW_TYPES = {
  int32: () => int32(),
  int64: () => int64(),
  double: () => float64(),
  boolean: () => bool(),
  text: () => dictionary(utf8()),
};

/**
 * Encodes columns as an Arrow IPC file: text in a dictionary, numbers as they are; null, NaN and infinities stay
 * themselves.
 *
 * @param columns All of one length.
 * @param form Their declared types.
 */
export function encodeArrow(columns: Columns, form: TableForm): Uint8Array {
  const built = Object.entries(columns).map(([name, column]) => {
    const { type } = parseForm(form[name]!);
    // With a type, every value is copied one by one, which a typed array with values does not need.
    const given = ArrayBuffer.isView(column) && column.length > 0 ? undefined : ARROW_TYPES[type]();
    const values = ArrayBuffer.isView(column) ? column : [...column];
    return [name, columnFromArray<unknown>(values, given)] as const;
  });
  return tableToIPC(tableFromColumns(Object.fromEntries(built)), { format: "file" })!;
}
