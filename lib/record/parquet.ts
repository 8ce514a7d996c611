/**
 * Parquet files of columns.
 *
 * @module
 */
import { type FileMetaData, parquetMetadata, parquetRead } from "hyparquet";
import { ByteWriter, type ColumnSource, ParquetWriter, schemaFromColumnData } from "hyparquet-writer";
import { readRegular } from "../file/regular.ts";
import { type ColumnForm, parseForm, type TableForm } from "./column_types.ts";
import type { Column, Columns } from "./columns.ts";

/**
 * Encodes a table as a Parquet file: text as UTF-8 in a dictionary, numbers as they are, compressed with Snappy. NaN and
 * infinities stay themselves. Columns are `OPTIONAL` where their declaration ends with `?`, else `REQUIRED`.
 *
 * @param pieces The table's columns piece by piece, at least one; each piece is a row group or several.
 * @param form The declared types.
 * @param metadata Texts to keep beside them, by key.
 */
export function encodeParquet(
  pieces: Iterable<Columns>,
  form: TableForm,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const bytes = new ByteWriter();
  let file: ParquetWriter | undefined;
  for (const columns of pieces) {
    const columnData = Object.entries(columns).map(([name, data]) => sourceOf(name, data, form[name]!));
    file ??= new ParquetWriter({
      writer: bytes,
      schema: schemaFromColumnData({ columnData }),
      kvMetadata: Object.entries(metadata).map(([key, value]) => ({ key, value })),
    });
    file.write({ columnData });
  }
  file?.finish();
  return new Uint8Array(bytes.getBuffer());
}

function sourceOf(name: string, data: Column, form: ColumnForm): ColumnSource {
  const { type, nullable } = parseForm(form);
  return {
    name,
    data: data as Column & unknown[],
    type: PARQUET_TYPES[type],
    nullable,
    // Looking for repeated numbers takes longer than it saves.
    ...(type === "double" && { encoding: "PLAIN" as const }),
  };
}

const PARQUET_TYPES = {
  int32: "INT32",
  int64: "INT64",
  double: "DOUBLE",
  boolean: "BOOLEAN",
  text: "STRING",
} as const;

/** A Parquet file whose end was read: what it says of itself, before its columns are. */
export interface ParquetFile {
  /** All of it. */
  readonly bytes: ArrayBuffer;
  /** What its end says. */
  readonly footer: FileMetaData;
  /** How many rows it has. */
  readonly rows: number;
}

/**
 * Reads the end of a Parquet file.
 *
 * @throws {Error} when it is none.
 */
export function openParquet(path: string): ParquetFile {
  const bytes = readRegular(path).buffer;
  const footer = parquetMetadata(bytes);
  return { bytes, footer, rows: Number(footer.num_rows) };
}

/** A text that a file keeps; undefined: it has none of this key. */
export function parquetText({ footer }: ParquetFile, key: string): string | undefined {
  return footer.key_value_metadata?.find((entry) => entry.key === key)?.value;
}

/** A piece of a column: one row group's. */
export interface ColumnPiece {
  /** The column. */
  readonly name: string;
  /** The row that it begins at. */
  readonly row: number;
  /** Its values. */
  readonly values: ArrayLike<unknown>;
}

/**
 * Reads columns of a Parquet file.
 *
 * @param file Opened.
 * @param names Which columns.
 * @throws {Error} when the file is damaged or has no such column.
 */
export async function readParquet(file: ParquetFile, names: readonly string[]): Promise<ColumnPiece[]> {
  const pieces: ColumnPiece[] = [];
  await parquetRead({
    file: file.bytes,
    metadata: file.footer,
    columns: [...names],
    // What is thrown in here is caught by nobody: the pieces are only kept.
    onChunk: ({ columnName: name, rowStart: row, columnData: values }) => pieces.push({ name, row, values }),
  });
  return pieces;
}
