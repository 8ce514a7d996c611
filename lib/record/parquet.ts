/**
 * Encoding and decoding of columns as Parquet files.
 *
 * @module
 */
import type { FileMetaData } from "hyparquet";
import type { ColumnSource, ParquetWriter } from "hyparquet-writer";
import defer * as hyparquet from "hyparquet"; // runs write no tables
import defer * as hyparquetWriter from "hyparquet-writer";
import { readRegular } from "../file/regular.ts";
import { type ColumnForm, parseForm, type TableForm } from "./column_types.ts";
import type { Column, Columns } from "./columns.ts";

/**
 * Encodes a table as a Parquet file, compressed with Snappy. Text is dictionary-encoded UTF-8. NaN and infinities are
 * stored exactly. Columns whose declaration ends with `?` are `OPTIONAL`. Other columns are `REQUIRED`.
 *
 * @param pieces Columns of the table in pieces, at least one. Each piece becomes one or more row groups.
 * @param form Declared types of the columns.
 * @param metadata Texts to store in the file, by key.
 */
export function encodeParquet(
  pieces: Iterable<Columns>,
  form: TableForm,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const bytes = new hyparquetWriter.ByteWriter();
  let file: ParquetWriter | undefined;
  for (const columns of pieces) {
    const columnData = Object.entries(columns).map(([name, data]) => sourceOf(name, data, form[name]!));
    file ??= new hyparquetWriter.ParquetWriter({
      writer: bytes,
      schema: hyparquetWriter.schemaFromColumnData({ columnData }),
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
    // A dictionary of numbers costs more time than it saves space.
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

/** An opened Parquet file with decoded metadata. Its columns are still encoded. */
export interface ParquetFile {
  /** Content of the file. */
  readonly bytes: ArrayBuffer;
  /** Decoded metadata. */
  readonly footer: FileMetaData;
  /** Number of rows. */
  readonly rows: number;
}

/**
 * Reads the metadata of a Parquet file.
 *
 * @throws {Error} If the file is not a Parquet file.
 */
export function openParquet(path: string): ParquetFile {
  const bytes = readRegular(path).buffer;
  const footer = hyparquet.parquetMetadata(bytes);
  return { bytes, footer, rows: Number(footer.num_rows) };
}

/** Returns a text from the file's metadata, or undefined if the key is missing. */
export function parquetText({ footer }: ParquetFile, key: string): string | undefined {
  return footer.key_value_metadata?.find((entry) => entry.key === key)?.value;
}

/** Values of a column in one row group. */
export interface ColumnPiece {
  /** Name of the column. */
  readonly name: string;
  /** Index of the first row. */
  readonly row: number;
  /** Values. */
  readonly values: ArrayLike<unknown>;
}

/**
 * Reads columns of a Parquet file.
 *
 * @param file An opened file.
 * @param names Names of the columns.
 * @throws {Error} If the file is damaged, or a column is missing.
 */
export async function readParquet(file: ParquetFile, names: readonly string[]): Promise<ColumnPiece[]> {
  const pieces: ColumnPiece[] = [];
  await hyparquet.parquetRead({
    file: file.bytes,
    metadata: file.footer,
    columns: [...names],
    // Errors in this callback would be lost, so it only collects the pieces.
    onChunk: ({ columnName: name, rowStart: row, columnData: values }) => pieces.push({ name, row, values }),
  });
  return pieces;
}
