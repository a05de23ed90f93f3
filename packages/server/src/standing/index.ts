export type { LiveWish, StandingRecord, Standings } from './contract.ts';
export { servedDigestOf } from './served-digest.ts';
export { createStandings } from './standings.ts';
export type { StandingTables } from './tables.ts';
