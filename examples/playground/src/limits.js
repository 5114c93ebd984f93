// Limits that the page and the engine's thread share.

/** Most cells of a matrix that are drawn, and most that are worked out for all agents: more would make the page slow. */
export const [MOST, MOST_FOR_ALL] = [12_000, 50_000];
/** Longest that the engine may work on one thing, in milliseconds. */
export const PATIENCE = 5000;
