import { expect, it } from 'vitest'
import { ageOf } from './date'

it('says an age in the unit people would use, and never one from the future', () => {
  const minute = 60_000
  expect([-5, 0, minute - 1].map((age) => ageOf(age).unit)).toEqual(['now', 'now', 'now'])
  expect(ageOf(2.9 * minute)).toEqual({ unit: 'minutes', n: 2 })
  expect(ageOf(60 * minute)).toEqual({ unit: 'hours', n: 1 })
})
