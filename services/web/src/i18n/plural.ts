// Plural choice by the language's own rule. Romanian has three forms: "1 cont", "2 conturi", "20 de conturi".

const ORDER = { ro: ['one', 'few', 'other'], en: ['one', 'other'] } as const

/** Index of the form to use among those a message offers, in the order one, few, other. */
export function pluralIndex(locale: keyof typeof ORDER, count: number): number {
  const category = new Intl.PluralRules(locale).select(count)
  return Math.max(0, (ORDER[locale] as readonly string[]).indexOf(category))
}
