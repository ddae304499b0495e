// Linking Telegram chats to the signed-in user.
import { request } from './http'
import type { TelegramChat, TelegramCode } from './types'

/** Issues a single-use code; an earlier unused one stops working. */
export function createCode(): Promise<TelegramCode> {
  return request<TelegramCode>('api/telegram/link', { method: 'POST' })
}

export async function fetchChats(signal?: AbortSignal): Promise<TelegramChat[]> {
  const answer = await request<{ linked: TelegramChat[] }>('api/telegram/link', signal ? { signal } : {})
  return answer.linked
}

export function unlinkChat(chatId: string | number): Promise<void> {
  return request<void>(`api/telegram/link/${encodeURIComponent(chatId)}`, { method: 'DELETE' })
}
