// What a run measured, one row a story. Each test file runs in a process of its own, so rows go to a file that `npm test`
// and `npm run soak` name (FIGURES_FILE); they print the table at their end.

import { appendFileSync, readFileSync } from 'node:fs';

/** Times are milliseconds. */
export interface Figures {
  readonly story: string;
  /** API ready after power on with plain static pods, in the same run. */
  readonly floorMs?: number;
  /** From power on until the API is ready. */
  readonly readyMs?: number;
  /** How long the API was away until all parents served, in all and piece by piece. */
  readonly awayMs?: number;
  readonly piecesMs?: readonly number[];
  /** How often a workload was seen with two active checkpoints. */
  readonly doubles?: number;
}

export function record(figures: Figures): void {
  const file = process.env.FIGURES_FILE;
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(figures)}\n`);
}

/** All rows of such a file, in the order in which they were recorded. */
export function recorded(file: string): Figures[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines.filter((line) => line !== '').map((line) => JSON.parse(line) as Figures);
}

/** A table for people; empty without rows. */
export function figuresTable(rows: readonly Figures[]): string {
  if (rows.length === 0) return '';
  const seconds = (ms: number | undefined): string => (ms === undefined ? '-' : (ms / 1000).toFixed(1));
  const cells = rows.map(({ story, floorMs, readyMs, awayMs, piecesMs, doubles }) => [
    story,
    seconds(floorMs),
    seconds(readyMs),
    seconds(awayMs),
    piecesMs?.map(seconds).join(' + ') || '-',
    doubles === undefined ? '-' : String(doubles),
  ]);
  const table = [['STORY', 'FLOOR s', 'READY s', 'AWAY s', 'IN PIECES', 'DOUBLES'], ...cells];
  const widths =
    table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? [];
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
