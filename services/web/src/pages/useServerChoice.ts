// Where to sign in: asked for once a name is known, shown only when there is a choice, remembered per name in
// this browser. The API gives everybody the same list.
import { computed, ref } from 'vue'
import { fetchSignInServers } from '@/api/auth'
import type { SignInServer } from '@/api/types'
import { usePreferences } from '@/stores/preferences'

/** Stands for the accounts of the application, in addresses and in what is remembered. */
export const APPLICATION = ''

/** `wanted` is what the address asks for, if it does. */
export function useServerChoice(wanted: () => string | undefined) {
  const preferences = usePreferences()
  const servers = ref<SignInServer[]>([])
  const chosen = ref(APPLICATION)
  const offered = computed(() => servers.value.length > 1)
  const isErp = computed(() => chosen.value !== APPLICATION)
  let asking: Promise<void> | null = null

  /** Learns the list for a name. True: there is a choice that nobody has made yet. */
  async function ask(username: string): Promise<boolean> {
    const isNew = servers.value.length === 0
    asking ??= load(username)
    await asking
    const known = wanted() ?? preferences.rememberedServer(username)
    if (isNew || known !== undefined) chosen.value = pick(servers.value, known)
    return isNew && offered.value && known === undefined
  }

  /** Without a list the sign-in goes to the accounts of the application, and says what does not work. */
  async function load(username: string): Promise<void> {
    try {
      servers.value = await fetchSignInServers(username)
    } catch {
      asking = null
    }
  }

  function remember(username: string): void {
    if (offered.value) preferences.rememberServer(username, chosen.value)
  }

  return { servers, chosen, offered, isErp, ask, remember }
}

/** A server that checks no passwords is read with an account of the application. */
export function pick(servers: SignInServer[], known: string | undefined): string {
  const names = servers.map(({ server }) => server ?? APPLICATION)
  if (known === undefined) return names[0] ?? APPLICATION
  return names.includes(known) ? known : APPLICATION
}
