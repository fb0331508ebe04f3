export function withoutSplatOffsets(text: string): string;
export function editsBetween(from: Uint8Array, to: Uint8Array): Uint8Array;
