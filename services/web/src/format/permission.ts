// Permissions as the API writes them: `route:action`, each of which may be `*`.

/** Whether one of the permissions covers what is needed. */
export function allows(held: readonly string[], needed: string): boolean {
  return held.some((permission) => covers(permission, needed))
}

function covers(held: string, needed: string): boolean {
  const [route = '', action = ''] = held.split(':')
  const [neededRoute, neededAction] = needed.split(':')
  return (route === '*' || route === neededRoute) && (action === '*' || action === neededAction)
}

/** The permissions after one box of the grid was ticked or cleared; `*` stands for its whole row. */
export function toggled(held: readonly string[], permission: string, on: boolean): string[] {
  const [route, action] = permission.split(':')
  const others = held.filter((one) => one !== permission && !(action === '*' && one.startsWith(`${route}:`)))
  return on ? [...others, permission].sort() : others
}
