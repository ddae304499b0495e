// Which entries of the palette somebody means: every word typed is in an entry's title or its other words,
// whatever its case and marks; letters that merely follow each other count least. Pure functions.
import { fold, searchWords } from '@/format/text'

export interface Findable {
  title: string
  /** What else it is known by. */
  words?: string
}

const [START, WORD, WITHIN, KNOWN_BY, LETTERS] = [100, 80, 60, 40, 10] as const

/** How well a folded word fits; 0: not at all. */
function fit(word: string, title: string, words: string): number {
  if (title.startsWith(word)) return START
  const at = title.indexOf(word)
  if (at > 0) return /[\p{L}\p{N}]/u.test(title[at - 1]!) ? WITHIN : WORD
  if (words.includes(word)) return KNOWN_BY
  return follows(word, title) ? LETTERS : 0
}

/** "blc" in "balanta": the letters in their order, the first one at the beginning of a word. */
function follows(word: string, title: string): boolean {
  for (let start = title.indexOf(word[0]!); start >= 0; start = title.indexOf(word[0]!, start + 1)) {
    if (start > 0 && /[\p{L}\p{N}]/u.test(title[start - 1]!)) continue
    let at = start
    for (const letter of word) {
      at = title.indexOf(letter, at) + 1
      if (at === 0) break
    }
    if (at > 0) return true
  }
  return false
}

/** The entries meant, the best ones first and in their own order where equal; all of them for an empty query. */
export function findEntries<Entry extends Findable>(entries: readonly Entry[], query: string): Entry[] {
  const wanted = searchWords(query)
  if (wanted.length === 0) return [...entries]
  const fitting = entries.flatMap((entry) => {
    const [title, words] = [fold(entry.title), fold(entry.words ?? '')]
    const fits = wanted.map((word) => fit(word, title, words))
    return fits.includes(0) ? [] : { entry, sum: fits.reduce((all, one) => all + one, 0) }
  })
  return fitting.sort((left, right) => right.sum - left.sum).map(({ entry }) => entry)
}
