import { describe, expect, it } from 'vitest'
import { allows, toggled } from './permission'

describe('permissions', () => {
  it('cover an action by name, by a wildcard of the route, and by everything', () => {
    for (const held of ['users:view', 'users:*', '*:*', '*:view']) expect(allows([held], 'users:view')).toBe(true)
    for (const held of ['users:edit', 'roles:*', 'user:view', '']) expect(allows([held], 'users:view')).toBe(false)
  })

  it('cover a wildcard only by a wildcard', () => {
    expect(allows(['users:view', 'users:edit'], 'users:*')).toBe(false)
    expect(allows(['users:*'], '*:*')).toBe(false)
  })

  it('are ticked one by one, and a wildcard takes the place of its row', () => {
    expect(toggled(['users:view'], 'users:edit', true)).toEqual(['users:edit', 'users:view'])
    expect(toggled(['roles:view', 'users:edit', 'users:view'], 'users:*', true)).toEqual(['roles:view', 'users:*'])
    expect(toggled(['roles:view', 'users:*'], 'users:*', false)).toEqual(['roles:view'])
  })
})
