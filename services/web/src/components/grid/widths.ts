// Widths of columns, counted in digits: figures are set in digits of one width, separators take half of it.

/** The narrowest an amount's column gets. */
export const LEAST_AMOUNT_WIDTH = 8
/** Room for the arrow beside a sorted heading. */
export const HEADING_ROOM = 2.5

const SEPARATOR = 0.5

export function widthInDigits(text: string): number {
  const separators = text.replace(/[^.,]/g, '').length
  return text.length - separators * (1 - SEPARATOR)
}
