/** @file Every exported routine: one line per routine and element type. */

export { arenaBase } from "./memory";
