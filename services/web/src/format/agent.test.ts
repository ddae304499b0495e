import { expect, it } from 'vitest'
import { describeAgent } from './agent'

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Mobile/15E148 Safari/604.1'

it('names browser and system, or the program that is none', () => {
  expect(describeAgent(WINDOWS)).toBe('Chrome, Windows')
  expect(describeAgent(`${WINDOWS} Edg/140.0.0.0`)).toBe('Edge, Windows')
  expect(describeAgent(PHONE)).toBe('Safari, iOS')
  expect(describeAgent('curl/8.5.0 extra')).toBe('curl/8.5.0')
  expect(describeAgent(null)).toBeUndefined()
})
