// Moments, days and durations for people.

/** "22.11.2026, 05:10" in the viewer's time zone; the text itself when it is no date. */
export function formatMoment(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return iso
  return new Intl.DateTimeFormat('ro-RO', { dateStyle: 'short', timeStyle: 'short' }).format(date)
}

/** "31.10.2026" for "2026-10-31"; the text itself when it is no day. */
export function formatDay(day: string): string {
  return isDay(day) ? day.split('-').reverse().join('.') : day
}

/** Whether a text such as "2026-10-31" names a day that exists. */
export function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false
  const date = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text)
}

/** "14:05" for a number of seconds. */
export function formatCountdown(seconds: number): string {
  const whole = Math.max(0, Math.ceil(seconds))
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, '0')}`
}

/** How long ago something was, in the unit people would say it in. */
export function ageOf(milliseconds: number): { unit: 'now' | 'minutes' | 'hours'; n: number } {
  const minutes = Math.floor(Math.max(0, milliseconds) / 60_000)
  if (minutes === 0) return { unit: 'now', n: 0 }
  return minutes < 60 ? { unit: 'minutes', n: minutes } : { unit: 'hours', n: Math.floor(minutes / 60) }
}
