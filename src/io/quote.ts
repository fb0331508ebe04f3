/** @file Text that comes from a file, made fit for a one-line message. */

const LONGEST = 80;

/** The text in double quotes, control characters escaped, cut at 80 characters: an error stays one line whatever the file holds. */
export function quote(text: string): string {
  return JSON.stringify(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);
}

/** `"a", "b" and 3 more`: at most `limit` names. */
export function quoteList(names: readonly string[], limit = 12): string {
  const shown = names.slice(0, limit).map(quote).join(', ');
  return names.length > limit ? `${shown} and ${names.length - limit} more` : shown;
}
