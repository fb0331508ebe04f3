/**
 * @file The module as JavaScriptCore runs it fastest (Bun, Safari), as edits of the one that is shipped: splats are loaded without offsets.
 *
 *   v128.load32_splat offset=8   →   i32.const 8, i32.add, v128.load32_splat
 *
 * It has one instruction for a splat from memory, but takes it only where the address has no offset; else it loads, moves to a vector
 * register and shuffles, and a microkernel with five splats a step runs at two thirds of its speed. V8 has the offset for nothing, and would
 * lose a tenth.
 *
 *   edits: (kept, removed, added, bytes that are added) …     kept in two bytes, low first, the others in one
 */

/** The text format of a module, one instruction a line. */
export function withoutSplatOffsets(text) {
  return text.replace(/^( *)(v128\.load(?:8|16|32|64)_splat) offset=(\d+)/gm, '$1i32.const $3\n$1i32.add\n$1$2');
}

/** Equal bytes that end an edit, and the most that one removes or adds. */
const ANCHOR = 12;
const LONGEST = 64;

/** What makes `to` of `from`. */
export function editsBetween(from, to) {
  const edits = [];
  let kept = 0;
  for (let i = 0, j = 0; i < from.length || j < to.length; ) {
    if (i < from.length && from[i] === to[j]) {
      kept++;
      i++;
      j++;
      continue;
    }
    const { removed, added } = shortestEdit(from, to, i, j);
    for (; kept > 0xffff; kept -= 0xffff) edits.push(0xff, 0xff, 0, 0);
    edits.push(kept & 255, kept >> 8, removed, added, ...to.subarray(j, j + added));
    kept = 0;
    i += removed;
    j += added;
  }
  return Uint8Array.from(edits);
}

function shortestEdit(from, to, i, j) {
  for (let length = 1; length <= LONGEST; length++) {
    for (let removed = 0; removed <= length; removed++) {
      const added = length - removed;
      if (i + removed <= from.length && j + added <= to.length && isAnchored(from, to, i + removed, j + added)) return { removed, added };
    }
  }
  throw new Error(`splat-offsets: the modules differ by more than ${LONGEST} bytes at ${i}`);
}

/** Whether the bytes from here on are equal, ANCHOR of them or as many as there are. */
function isAnchored(from, to, i, j) {
  for (let k = 0; k < ANCHOR; k++) if (from[i + k] !== to[j + k]) return false;
  return true;
}
