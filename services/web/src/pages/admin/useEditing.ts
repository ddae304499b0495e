// What a list of the administration has in hand: the thing that is open in a dialog, and how saving it ended.
import { useQueryClient } from '@tanstack/vue-query'
import { ref, shallowRef } from 'vue'
import { useI18n } from 'vue-i18n'

/** `key` is the first part of the list's query key. */
export function useEditing<Thing>(key: string) {
  const { t } = useI18n()
  const queryClient = useQueryClient()
  const notice = ref('')
  /** `thing: null`: one to be created. */
  const open = shallowRef<{ thing: Thing | null } | null>(null)

  function show(thing: Thing | null): void {
    notice.value = ''
    open.value = { thing }
  }

  function close(): void {
    open.value = null
  }

  async function saved(message = t('admin.saved')): Promise<void> {
    close()
    await queryClient.invalidateQueries({ queryKey: [key] })
    notice.value = message
  }

  return { notice, open, show, close, saved }
}
