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
  tableFromColumns,
  tableToIPC,
  utf8,
} from "@uwdata/flechette";
import { type Columns, kindOf } from "./columns.ts";

const ARROW_TYPES = {
  int32: () => int32(),
  double: () => float64(),
  boolean: () => bool(),
  text: () => dictionary(utf8()),
};

/** The bytes of an Arrow IPC file: text in a dictionary, numbers as they are; null, NaN and infinities stay themselves. */
export function encodeArrow(columns: Columns): Uint8Array {
  const built = Object.entries(columns).map(([name, column]) => {
    const values = ArrayBuffer.isView(column) ? column : [...column];
    // A type makes it copy every value, which typed arrays with values need not.
    const type = ArrayBuffer.isView(column) && column.length > 0 ? undefined : ARROW_TYPES[kindOf(column)]();
    return [name, columnFromArray<unknown>(values, type)] as const;
  });
  return tableToIPC(tableFromColumns(Object.fromEntries(built)), { format: "file" })!;
}
