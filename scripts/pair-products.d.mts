export function pairProducts(text: string, group: number): string;
