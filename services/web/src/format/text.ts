// Text as people search it: without case, without diacritics.

/** Lower case without marks: "ș" and "ş" both become "s". */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}

/** The words of a query, folded. */
export function searchWords(query: string): string[] {
  return fold(query).split(/\s+/).filter(Boolean)
}
