/** One value of a row before it is known to fit its column. Integers beyond 2^53 come as bigint. */
export type Cell = number | bigint | string | boolean | null | readonly Cell[];

/** One row: cells by the index of their column; undefined where the row does not have it. */
export type Row = readonly (Cell | undefined)[];
